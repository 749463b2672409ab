-- Rows with a time that cannot have happened. Test accounts are looked at as all others.
SELECT record, CASE WHEN says(user_id) THEN user_id END AS subject, 'violation' AS outcome,
       CASE WHEN sentinel THEN 'sentinel_time' WHEN ahead THEN 'future_time' ELSE 'order_contradiction' END AS reason, table_name
FROM ($all_times)
WHERE sentinel OR ahead OR contradiction
-- population: SELECT $timed_counts

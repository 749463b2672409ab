-- Rows with a time that cannot have happened.
SELECT record, CASE WHEN says(user_id) THEN user_id END AS subject, CASE WHEN excluded THEN 'excluded' ELSE 'violation' END AS outcome,
       CASE WHEN excluded THEN 'test_account' WHEN sentinel THEN 'sentinel_time' WHEN ahead THEN 'future_time' ELSE 'order_contradiction' END AS reason, table_name
FROM ($all_times) LEFT JOIN testers() USING (user_id)
WHERE excluded OR sentinel OR ahead OR contradiction
-- population: SELECT $timed_counts

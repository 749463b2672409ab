-- Rows of any table whose key is blank or repeated, or whose person is on no record. Test accounts are looked at as all others.
WITH people AS (SELECT user_id FROM users UNION SELECT user_id FROM purge_log),
rows AS ($all_keys)
SELECT table_name || ':' || key AS record, CASE WHEN says(user_id) THEN user_id END AS subject, 'violation' AS outcome,
       CASE WHEN NOT says(key) THEN 'key_blank' WHEN repeated THEN 'duplicate_key' ELSE 'user_unknown' END AS reason, table_name
FROM (SELECT *, says(user_id) AND user_id NOT IN (SELECT user_id FROM people WHERE user_id IS NOT NULL) AS stranger FROM rows)
WHERE stranger OR repeated OR NOT says(key)
-- population: SELECT $all_counts

SELECT 'g' || i AS purge_id, user_key(i) AS user_id, 'users' AS table_name, 'delete' AS method, 1::BIGINT AS rows,
       (date_trunc('day', ago(stop(i)) AT TIME ZONE 'UTC') + INTERVAL 6 MONTH + INTERVAL 10 HOUR) AT TIME ZONE 'UTC' AS purged_at, 'schedule' AS trigger
FROM range($first, $last) AS people(i)
WHERE is_purged(i) AND chance(i, 170) > 0.01

SELECT 'x' || i AS exception_id, user_key(i) AS user_id, CASE WHEN kind(i) = 'banned' OR i % 2 = 0 THEN 'ban' ELSE 'legal_hold' END AS type,
       'litigation' AS reason_code, 'M-2024-' || i AS reference, 'users' AS scope, 'legal' AS owner,
       ago(least(start(i) - 1, 180)) AS started_at, NULL::TIMESTAMPTZ AS ended_at, ago(least(start(i) - 1, 60)) AS reviewed_at
FROM range($first, $last) AS people(i)
WHERE kind(i) = 'banned' OR (is_deleted(i) AND chance(i, 80) < if(stop(i) > 180, 0.5, 0.02))

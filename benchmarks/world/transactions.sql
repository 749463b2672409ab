SELECT '4600' || (1000000000 + i) AS receipt_id, user_key(i) AS user_id, 'app_store' AS store, ago(moment(i, 0.9, 400)) AS purchased_at,
       (5 + i % 20 + 0.99)::DECIMAL(18, 2) AS amount
FROM range($first, $last) AS people(i)
WHERE chance(i, 20) < 0.1 AND is_recent(i)

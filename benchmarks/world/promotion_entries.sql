SELECT 'w' || i AS entry_id, user_key(i) AS user_id, CASE WHEN chance(i, 181) < 0.1 THEN ago(days) END AS won_at,
       CASE WHEN chance(i, 181) < 0.1 THEN ago(days - 3) END AS paid_at, chance(i, 181) < 0.1004 AS payout_details_held
FROM (SELECT i, moment(i, chance(i, 182), 300) + 4 AS days FROM range($first, $last) AS people(i))
WHERE chance(i, 180) < 0.02 AND is_active(i) AND start(i) > 40

SELECT 's' || i AS subscription_id, user_key(i) AS user_id, pick(['paid', 'paid', 'paid', 'trial', 'gift'], chance(i, 21)) AS kind,
       ago(moment(i, 0.9, 400)) AS start_at,
       CASE WHEN chance(i, 22) < 0.3 THEN ago(moment(i, 0.5, 400)) END AS end_at,
       CASE WHEN chance(i, 22) < 0.3 THEN 'expired' ELSE 'active' END AS status
FROM range($first, $last) AS people(i)
WHERE (chance(i, 20) < 0.1 AND is_recent(i)) OR (chance(i, 20) < 0.3 AND kind(i) = 'dormant')

SELECT 'v' || i AS access_id, 'staff-' || floor(chance(i, 211) * 200)::INTEGER AS staff_id, user_key(i) AS user_id,
       pick(['support_tickets', 'users', 'content_items'], chance(i, 212)) AS table_name,
       CASE WHEN chance(i, 213) > 0.01 THEN 'T-' || i END AS purpose_ref, ago(moment(i, chance(i, 214), 80)) AS accessed_at
FROM range($first, $last) AS people(i)
WHERE chance(i, 210) < 0.05 AND is_recent(i)

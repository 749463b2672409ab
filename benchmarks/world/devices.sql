SELECT device_key(i) AS device_id, user_key(i) AS user_id, platform(i) AS platform,
       CASE WHEN has_id THEN '38400000-8cf0-41bd-b23e-' || printf('%012x', i) WHEN i % 4 = 2 THEN '00000000-0000-0000-0000-000000000000' END AS ad_id,
       CASE WHEN i % 4 = 2 THEN if(has_id, 'authorized', 'denied') END AS att_status,
       CASE WHEN i % 4 < 2 THEN NOT has_id END AS limit_ad_tracking,
       ago(start(i) - 0.03) AS first_seen_at, ago(start(i) - 0.03) AS installed_at,
       CASE WHEN is_deleted(i) OR (i % 4 < 3 AND chance(i, 120) < 0.03) THEN ago(stop(i) + if(chance(i, 121) < 0.03, 20, 0)) END AS uninstalled_at
FROM (SELECT i, has_ad_id(i) AS has_id FROM range($first, $last) AS people(i))
WHERE NOT is_purged(i)

-- the people of a slice come by turns in a scattered order, and times are scattered as well: no file is sorted by either
WITH people AS MATERIALIZED (
    SELECT i, user_key(i) AS user_id, device_key(i) AS device_id, stop(i) AS stop, least(start(i) - 0.05, 364) - stop(i) AS span,
           -- two thirds of the people have been here for long enough
           if(start(i) > 480, $violating / 0.68, 0) AS against
    FROM range($first, $last) AS people(i)
    WHERE is_recent(i)
),
events AS (
    SELECT n, $first + (n * 1000003) % ($last - $first) AS i, $log_rows * $first + n AS number
    FROM range(0, $log_rows * ($last - $first)) AS numbers(n)
),
kinds AS (
    SELECT number, user_id, device_id, hash(number, 111, $seed) AS bits,
           if(chance(number, 112) < against, 367 + chance(number, 110) * 100, stop + chance(number, 110) * span) AS days
    FROM events JOIN people USING (i)
)
SELECT 'e' || number AS event_id, user_id,
       CASE WHEN bits % 5 > 0 OR bits % 8 = 7 THEN device_id END AS device_id,
       ago(days) AS event_at,
       ['open', 'api', 'api', 'api', 'page', 'click', 'click', if((bits >> 56) % 16 = 0, 'floating_window', 'call')][1 + (bits % 8)::INTEGER] AS event_type,
       '198.51.' || (bits >> 8) % 250 || '.' || (bits >> 16) % 250 AS ip,
       CASE WHEN (bits >> 24) % 20 = 0 THEN 'NL, Utrecht' END AS geo,
       CASE WHEN bits % 8 = 4 AND (bits >> 32) % 20 = 0 THEN 'https://heytalk.example/room/' || (bits >> 40) % 5000 || '?tab=' || (bits >> 48) % 9 END AS url
FROM kinds

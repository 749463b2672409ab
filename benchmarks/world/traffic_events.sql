-- the people of a slice come by turns in a scattered order, and times are scattered as well: no file is sorted by either
WITH events AS (
    SELECT n, $first + (n * 1000003) % ($last - $first) AS i, $log_rows * $first + n AS number
    FROM range(0, $log_rows * ($last - $first)) AS numbers(n)
),
kinds AS (
    SELECT number, i, chance(number, 110) AS x, hash(number, 111, $seed) AS bits,
           -- two thirds of the people have been here for long enough
           start(i) > 480 AND chance(number, 112) < $violating / 0.68 AS against
    FROM events
    WHERE is_recent(i)
)
SELECT 'e' || number AS event_id, user_key(i) AS user_id,
       CASE WHEN bits % 5 > 0 OR bits % 8 = 7 THEN device_key(i) END AS device_id,
       ago(if(against, 367 + x * 100, moment(i, x, 364))) AS event_at,
       ['open', 'api', 'api', 'api', 'page', 'click', 'click', if((bits >> 56) % 16 = 0, 'floating_window', 'call')][1 + (bits % 8)::INTEGER] AS event_type,
       '198.51.' || (bits >> 8) % 250 || '.' || (bits >> 16) % 250 AS ip,
       CASE WHEN (bits >> 24) % 20 = 0 THEN 'NL, Utrecht' END AS geo,
       CASE WHEN bits % 8 = 4 AND (bits >> 32) % 20 = 0 THEN 'https://heytalk.example/room/' || (bits >> 40) % 5000 || '?tab=' || (bits >> 48) % 9 END AS url
FROM kinds

WITH people AS MATERIALIZED (
    SELECT i, user_key(i) AS user_id, device_key(i) AS device_id, stop(i) AS stop, least(start(i) - 0.05, 900) - stop(i) AS span,
           to_media(i) AS media, is_deleted(i) AS deleted
    FROM range($first, $last) AS people(i)
    WHERE is_recent(i)
),
items AS (
    SELECT n, $first + (n * 1000003) % ($last - $first) AS i, n // ($last - $first) AS turn
    FROM range(0, 5 * ($last - $first)) AS numbers(n)
),
kinds AS (
    SELECT *, stop + chance(number, 90) * span AS days,
           CASE turn WHEN 2 THEN 'post' WHEN 3 THEN if(media, 'photo', 'post') WHEN 4 THEN if(i % 4 < 2, 'voice', 'chat') ELSE 'chat' END AS kind
    FROM (SELECT *, 5 * i + turn AS number FROM items) JOIN people USING (i)
),
shown AS (
    SELECT *, CASE kind WHEN 'post' THEN pick(['public', 'friends'], chance(number, 91)) WHEN 'photo' THEN pick(['public', 'friends', 'private'], chance(number, 91))
                        WHEN 'voice' THEN 'room' ELSE 'private' END AS visibility,
           CASE kind WHEN 'photo' THEN pick(['camera', 'album'], chance(number, 92)) WHEN 'voice' THEN 'mic' ELSE 'none' END AS capture_source
    FROM kinds
)
SELECT 'i' || number AS content_id, user_id, CASE WHEN turn = 4 AND chance(number, 89) < 0.1 THEN 'i' || (number - 2) END AS parent_id, kind, capture_source,
       CASE WHEN capture_source = 'album' THEN if(chance(number, 93) < 0.01, 'auto', 'user_selected') END AS selection_method,
       device_id, visibility,
       CASE WHEN chance(number, 94) < 0.005 THEN 'public' ELSE visibility END AS effective_visibility,
       ago(days) AS created_at,
       CASE WHEN deleted OR chance(number, 95) < 0.03 THEN ago(stop) END AS deleted_at,
       CASE WHEN chance(number, 96) < 0.005 THEN 'none' ELSE 'approved' END AS moderation_decision,
       CASE WHEN chance(number, 96) >= 0.005 THEN ago(days + 0.0001) END AS moderated_at,
       CASE WHEN capture_source <> 'none' THEN 'https://media.heytalk.example/' || number || if(chance(number, 97) < 0.01, '', '?expires=1746000000&signature=' || hash(number)) END AS url,
       CASE WHEN kind IN ('post', 'chat') THEN pick([
           'Anyone up for karaoke tonight?', 'Bu akşam ses odasında buluşalım mı?', '今天的直播很好听，谢谢大家。',
           'شكرا على الهدية، نلتقي غدا في الغرفة', 'Hoy cantamos a las nueve, ¿te vienes?', 'My order 8814 2239 0017 came two days late.',
           'Version 12.4.1 is out, finally.', 'See you at ' || (1 + number % 12) || ' in room ' || (number % 1000) || '.',
           'Thanks, that was fun!', 'The new song is number ' || (1 + number % 40) || ' in my list.',
           'ok', 'good night', 'Who wants to join the quiz on Friday?',
           if(chance(number, 98) < 0.02, 'Call me on +31 6 ' || (10000000 + number % 89999999), 'Call me later.')
       ], chance(number, 99)) END AS text
FROM shown

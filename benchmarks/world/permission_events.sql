WITH answers AS (
    SELECT i, unnest([
        {'n': 0, 'permission': 'device_info', 'action': if(chance(i, 130) < 0.01, 'denied', 'granted'), 'there': i % 4 < 2},
        {'n': 1, 'permission': 'push', 'action': if(chance(i, 131) < 0.01, 'denied', 'granted'), 'there': true},
        {'n': 2, 'permission': if(chance(i, 132) < 0.2, 'RECORD_AUDIO', 'microphone'), 'action': if(chance(i, 133) < 0.01, 'denied', 'granted'), 'there': i % 4 < 2},
        {'n': 3, 'permission': if(chance(i, 134) < 0.2, 'android.permission.CAMERA', 'camera'), 'action': if(chance(i, 135) < 0.01, 'denied', 'granted'), 'there': to_media(i)},
        {'n': 4, 'permission': 'album', 'action': if(chance(i, 136) < 0.01, 'denied', 'granted'), 'there': to_media(i)},
        {'n': 6, 'permission': 'floating_window', 'action': if(chance(i, 138) < 0.01, 'denied', 'granted'), 'there': i % 4 < 2},
        {'n': 5, 'permission': 'contacts', 'action': 'denied', 'there': chance(i, 137) < 0.002}
    ], max_depth := 2)
    FROM range($first, $last) AS people(i)
    WHERE NOT is_purged(i) AND i % 4 < 3
)
SELECT 'p' || i || '-' || n AS event_id, device_key(i) AS device_id, permission, action, ago(start(i) - 0.03) AS event_at
FROM answers
WHERE there

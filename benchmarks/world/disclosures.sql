WITH sharings AS (
    SELECT i, unnest([
        {'n': 0, 'vendor_id': 'rong_cloud', 'kind': 'processor', 'purpose': 'realtime_messaging', 'fields': ['user_id'], 'form': 'plain', 'there': chance(i, 160) < 0.2},
        {'n': 1, 'vendor_id': 'admost', 'kind': 'advertising', 'purpose': 'advertising', 'fields': ['event_name'], 'form': 'keyed_hash', 'there': to_ads(i)},
        {'n': 2, 'vendor_id': 'google', 'kind': 'advertising', 'purpose': 'advertising', 'fields': ['event_name'], 'form': 'keyed_hash', 'there': to_ads(i)},
        {'n': 3, 'vendor_id': 'google', 'kind': 'advertising', 'purpose': 'advertising', 'fields': ['event_name'], 'form': 'hashed', 'there': chance(i, 161) < 0.001}
    ], max_depth := 2)
    FROM range($first, $last) AS people(i)
    WHERE is_recent(i) AND is_active(i)
)
SELECT 'z' || i || '-' || n AS disclosure_id, user_key(i) AS user_id, vendor_id, kind, purpose, fields, form AS identifier_form,
       CASE WHEN n = 3 THEN sha256('person.' || i || '@mail.example') WHEN n > 0 THEN sha256('salt' || i || '-' || n) END AS payload_sample,
       NULL::VARCHAR AS legal_ground, NULL::VARCHAR AS reference, NULL::VARCHAR AS approved_by, ago(moment(i, chance(i, 162 + n), 180)) AS sent_at,
       NULL::VARCHAR AS device_id, NULL::VARCHAR[] AS content_ids
FROM sharings
WHERE there

WITH sharings AS (
    SELECT i, unnest([
        {'n': 0, 'vendor_id': 'rong_cloud', 'kind': 'processor', 'purpose': 'realtime_messaging', 'field': 'user_id', 'form': 'plain', 'there': chance(i, 160) < 0.2},
        {'n': 1, 'vendor_id': 'admost', 'kind': 'advertising', 'purpose': 'advertising', 'field': 'event_name', 'form': 'keyed_hash', 'there': to_ads(i)},
        {'n': 2, 'vendor_id': 'google', 'kind': 'advertising', 'purpose': 'advertising', 'field': 'event_name', 'form': 'keyed_hash', 'there': to_ads(i)},
        {'n': 3, 'vendor_id': 'google', 'kind': 'advertising', 'purpose': 'advertising', 'field': 'event_name', 'form': 'hashed', 'there': chance(i, 161) < 0.001},
        {'n': 4, 'vendor_id': 'adjust', 'kind': 'sdk', 'purpose': 'install_attribution', 'field': 'gps_adid', 'form': 'ad_id', 'there': has_ad_id(i)},
        {'n': 5, 'vendor_id': 'court', 'kind': 'legal', 'purpose': 'legal_compliance', 'field': 'user_id', 'form': 'plain', 'there': chance(i, 172) < 0.001},
        {'n': 6, 'vendor_id': 'holding', 'kind': 'corporate', 'purpose': 'enforce_rights', 'field': 'user_id', 'form': 'plain', 'there': chance(i, 173) < 0.0005}
    ], max_depth := 2)
    FROM range($first, $last) AS people(i)
    WHERE is_recent(i) AND is_active(i)
)
SELECT 'z' || i || '-' || n AS disclosure_id, user_key(i) AS user_id, vendor_id, kind, purpose, [field] AS fields, form AS identifier_form,
       CASE n WHEN 3 THEN sha256('person.' || i || '@mail.example') WHEN 1 THEN sha256('salt' || i || '-1') WHEN 2 THEN sha256('salt' || i || '-2') END AS payload_sample,
       CASE WHEN kind = 'legal' THEN if(chance(i, 174) < 0.02, 'courtesy', 'process') END AS legal_ground,
       CASE WHEN n >= 5 THEN 'C-' || i END AS reference, CASE WHEN n >= 5 THEN 'board' END AS approved_by,
       ago(moment(i, chance(i, 162 + n), 180)) AS sent_at,
       CASE WHEN n = 4 THEN device_key(i) END AS device_id,
       CASE WHEN n = 1 AND chance(i, 175) < 0.1 AND chance(5 * i + 2, 91) < 0.5 THEN ['i' || (5 * i + 2)] END AS content_ids
FROM sharings
WHERE there

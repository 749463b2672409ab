SELECT vendor_id, name, NULL::VARCHAR[] AS aliases, 'processor' AS role, country, declared_fields, DATE '2020-02-01' AS vetted_at,
       DATE '2020-03-01' AS contract_signed_at, NULL::DATE AS contract_end, transfer_tool, category
FROM (VALUES
    ('rong_cloud', 'Rong Cloud', 'CN', 'SCC', 'messaging', NULL),
    ('agora', 'Agora', 'CN', 'SCC', 'voice', NULL),
    ('facebook', 'Facebook', 'US', 'SCC', 'advertising', ['user_id', 'ad_id', 'event_name']),
    ('google', 'Google', 'US', 'SCC', 'login', ['user_id', 'ad_id', 'event_name']),
    ('adjust', 'Adjust', 'DE', NULL, 'attribution', NULL),
    ('admost', 'Admost', 'TR', NULL, 'advertising', ['user_id', 'ad_id', 'event_name']),
    ('court', 'Court', 'NL', NULL, 'authority', NULL),
    ('holding', 'Holding', 'NL', NULL, 'other', NULL)
) AS vendors(vendor_id, name, country, transfer_tool, category, declared_fields)
WHERE $first = 0

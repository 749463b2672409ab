WITH attributes AS (
    SELECT i, unnest([
        {'n': 0, 'name': 'hobby', 'category': 'pd:Interest', 'value': pick(['chess', 'cooking', 'running', 'karaoke', 'poetry', 'climbing'], chance(i, 60)),
         'visibility': 'friends', 'there': true},
        {'n': 1, 'name': pick(['religion', 'orientation', 'health'], chance(i, 61)),
         'category': pick(['pd:ReligiousBelief', 'pd:SexualPreference', 'pd:MedicalHealth'], chance(i, 61)),
         'value': pick(['alevi', 'bisexual', 'type 1 diabetes'], chance(i, 61)), 'visibility': special_visibility(i), 'there': has_special(i)}
    ], max_depth := 2)
    FROM range($first, $last) AS people(i)
    WHERE NOT is_purged(i)
)
SELECT 'a' || i || '-' || n AS attribute_id, user_key(i) AS user_id, name, category, value,
       CASE WHEN n = 1 AND chance(i, 62) < 0.01 THEN 'inferred' ELSE 'user' END AS source, visibility,
       ago(start(i) - 0.04) AS created_at, NULL::TIMESTAMPTZ AS updated_at, CASE WHEN is_deleted(i) THEN ago(stop(i)) END AS deleted_at
FROM attributes
WHERE there

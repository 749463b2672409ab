SELECT policy_version, repeat('0', 64) AS sha256, ago(days) AS effective_at, material, 'en' AS language
FROM (VALUES ('1', 5500, true), ('2', 900, false), ('3', 200, false)) AS versions(policy_version, days, material)
WHERE $first = 0

-- Grants that show no act of somebody who had an account and knew the text.
WITH grants AS (
    SELECT consent_id, user_id, purpose, method, policy_version, event_at, date_trunc('second', event_at) AS second FROM consents WHERE action = 'grant'
),
crowd AS (
    SELECT method, second, true AS many FROM grants ANTI JOIN testers() USING (user_id)
    GROUP BY method, second HAVING count(*) > 20 AND count(DISTINCT user_id) > 20
),
judged AS (
    SELECT consent_id, g.user_id, purpose, method, excluded, CASE
        WHEN event_at > $as_of THEN 'unknown:clock_future'
        WHEN method IN ('default', 'import', 'staff', 'signal_gpc') THEN 'violation:method_not_affirmative'
        WHEN method = 'bundled_terms' AND purpose <> 'policy_acceptance' THEN 'violation:bundled'
        WHEN NOT says(policy_version) THEN 'violation:version_missing'
        WHEN purpose <> 'policy_acceptance' AND event_at + INTERVAL 300 SECOND < created_at THEN 'violation:before_account'
        WHEN purpose <> 'policy_acceptance' AND event_at < created_at THEN 'review:clock_skew'
        WHEN many THEN 'review:bulk' END AS why
    FROM grants g LEFT JOIN crowd USING (method, second) LEFT JOIN (SELECT user_id, created_at FROM users) u ON u.user_id = g.user_id
    LEFT JOIN testers() t ON t.user_id = g.user_id
)
SELECT 'consents:' || consent_id AS record, CASE WHEN says(user_id) THEN user_id END AS subject,
       CASE WHEN excluded THEN 'excluded' ELSE split_part(why, ':', 1) END AS outcome,
       CASE WHEN excluded THEN 'test_account' ELSE split_part(why, ':', 2) END AS reason, purpose, method
FROM judged WHERE excluded OR why IS NOT NULL
-- population: SELECT count(*) FROM consents WHERE action = 'grant'

WITH answers AS (
    SELECT i, unnest([
        {'n': 0, 'purpose': 'policy_acceptance', 'action': 'grant', 'there': true, 'days': start(i) + 0.001},
        {'n': 1, 'purpose': 'analytics', 'action': pick(['grant', 'refuse'], chance(i, 30)), 'there': true, 'days': start(i) - 0.01},
        {'n': 2, 'purpose': 'marketing_' || channel(i), 'action': 'grant', 'there': to_marketing(i), 'days': start(i) - 0.02},
        {'n': 3, 'purpose': 'media', 'action': 'grant', 'there': to_media(i), 'days': start(i) - 0.02},
        {'n': 4, 'purpose': 'personalised_ads', 'action': 'grant', 'there': to_ads(i), 'days': start(i) - 0.01},
        {'n': 5, 'purpose': 'sensitive_data', 'action': 'grant', 'there': has_special(i), 'days': start(i) - 0.02},
        {'n': 6, 'purpose': 'sensitive_publication', 'action': 'grant', 'there': has_special(i) AND special_visibility(i) = 'public', 'days': start(i) - 0.02},
        {'n': 7, 'purpose': 'marketing_' || channel(i), 'action': 'withdraw', 'there': took_back(i), 'days': moment(i, 0.3, 180)},
        {'n': 8, 'purpose': 'marketing_' || channel(i), 'action': 'grant', 'there': agreed_again(i), 'days': moment(i, 0.2, 180)},
        {'n': 9, 'purpose': 'personalised_ads', 'action': if(to_ads(i), 'withdraw', 'refuse'), 'there': chance(i, 53) < 0.03, 'days': stop(i) + 0.1}
    ], max_depth := 2)
    FROM range($first, $last) AS people(i)
    WHERE NOT is_purged(i)
)
SELECT 'c' || i || '-' || n AS consent_id, user_key(i) AS user_id, purpose, action, ago(days) AS event_at,
       NOT (n = 2 AND chance(i, 32) < 0.005) AS explicit,
       CASE WHEN n > 0 AND action = 'grant' AND chance(i, 310 + n) < 0.01 THEN pick(['bundled_terms', 'default'], chance(i, 42))
            WHEN i % 4 = 3 THEN 'web' ELSE 'in_app' END AS method,
       CASE WHEN n > 0 AND chance(i, 300 + n) < 0.003 THEN NULL WHEN days > 900 THEN '1' WHEN days > 200 THEN '2' ELSE '3' END AS policy_version
FROM answers
WHERE there AND NOT (n = 0 AND chance(i, 52) < 0.003)

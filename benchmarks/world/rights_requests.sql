WITH requests AS (
    SELECT i, NOT took_back(i) AS other, if(took_back(i), moment(i, 0.3, 180) + 0.001, moment(i, chance(i, 154), 300) + 60) AS days
    FROM range($first, $last) AS people(i)
    WHERE is_active(i) AND start(i) > 400 AND chance(i, 150) < if(took_back(i), 0.5, 0.03)
),
kinds AS (
    SELECT *, CASE WHEN NOT other THEN 'withdraw' WHEN to_marketing(i) OR to_ads(i) THEN pick(['access', 'access', 'portability', 'portability', 'rectify'], chance(i, 151))
                   ELSE pick(['access', 'portability', 'object', 'object', 'rectify'], chance(i, 151)) END AS kind,
           other AND chance(i, 155) < 0.1 AS refused, other AND chance(i, 156) < 0.2 AS proved, other AND chance(i, 157) < 0.05 AS of_others
    FROM requests
)
SELECT 'q' || i AS request_id, user_key(i) AS user_id, kind, if(other, pick(['form', 'email'], chance(i, 152)), 'app') AS channel,
       region(i) AS law_region, ago(days) AS received_at,
       CASE WHEN proved THEN ago(days - 1) END AS identity_asked_at, CASE WHEN proved THEN ago(days - 2) END AS identity_ok_at,
       NULL::TIMESTAMPTZ AS extended_at,
       ago(CASE WHEN NOT other THEN days - 0.01 WHEN chance(i, 153) < 0.02 THEN days - 55 ELSE days - 9 END) AS answered_at,
       if(refused, 'refused', 'done') AS outcome, CASE WHEN refused THEN pick(['unlawful', 'ip', 'law', 'other_users_privacy'], chance(i, 158)) END AS refusal_reason,
       of_others AS third_party_content, CASE WHEN of_others AND chance(i, 159) > 0.02 THEN ago(days - 5) END AS third_party_consent_at,
       proved AND chance(i, 149) < 0.02 AS id_document_held, 'all' AS objection_scope
FROM kinds

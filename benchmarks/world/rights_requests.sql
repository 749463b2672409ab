SELECT 'q' || i AS request_id, user_key(i) AS user_id,
       CASE WHEN to_marketing(i) OR to_ads(i) THEN pick(['access', 'portability', 'rectify'], chance(i, 151))
            ELSE pick(['access', 'portability', 'rectify', 'object'], chance(i, 151)) END AS kind,
       pick(['app', 'form', 'email'], chance(i, 152)) AS channel, region(i) AS law_region, ago(days) AS received_at,
       NULL::TIMESTAMPTZ AS identity_asked_at, NULL::TIMESTAMPTZ AS identity_ok_at, NULL::TIMESTAMPTZ AS extended_at,
       ago(days - if(chance(i, 153) < 0.02, 55, 9)) AS answered_at, 'done' AS outcome, NULL::VARCHAR AS refusal_reason,
       false AS third_party_content, NULL::TIMESTAMPTZ AS third_party_consent_at, false AS id_document_held,
       'all' AS objection_scope
FROM (SELECT i, moment(i, chance(i, 154), 300) + 60 AS days FROM range($first, $last) AS people(i))
WHERE chance(i, 150) < 0.03 AND is_active(i) AND start(i) > 400

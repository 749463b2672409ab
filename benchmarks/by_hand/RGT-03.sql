-- Requests that were refused without a reason that the policy lists.
SELECT 'rights_requests:' || request_id AS record, CASE WHEN says(user_id) THEN user_id END AS subject,
       CASE WHEN excluded THEN 'excluded' ELSE split_part(why, ':', 1) END AS outcome,
       CASE WHEN excluded THEN 'test_account' ELSE split_part(why, ':', 2) END AS reason, kind
FROM (
    SELECT request_id, user_id, kind, excluded, CASE WHEN NOT says(refusal_reason) THEN 'violation:reason_missing'
        WHEN code IS NULL OR NOT list_contains($refusal_reasons, code) THEN 'violation:reason_not_permitted'
        WHEN answered_at IS NULL THEN 'unknown:notice_date_missing'
        WHEN code IN ('identityunproven', 'identitynotproven') AND identity_ok_at IS NOT NULL THEN 'unknown:identity_contradiction'
        WHEN code = 'serviceimpossible' AND kind IN ('access', 'portability', 'erasure', 'rectify') THEN 'review:reason_not_for_kind' END AS why
    FROM (SELECT *, regexp_replace(lower(refusal_reason), '[^a-z0-9]+', '', 'g') AS code FROM rights_requests WHERE outcome = 'refused' AND in_period(answered_at)) LEFT JOIN testers() USING (user_id)
)
WHERE excluded OR why IS NOT NULL
-- population: SELECT count(*) FROM rights_requests WHERE outcome = 'refused' AND in_period(answered_at)

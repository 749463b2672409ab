-- Accounts whose owner was below the age that the law of the region asks for, on the day of registration.
SELECT 'users:' || user_id AS record, user_id AS subject,
       CASE WHEN excluded THEN 'excluded' WHEN created_at > $as_of OR wrong OR law_region IS NULL THEN 'unknown' ELSE 'review' END AS outcome,
       CASE WHEN excluded THEN 'test_account' WHEN created_at > $as_of THEN 'clock_future' WHEN wrong THEN 'birth_date_implausible'
            WHEN law_region IS NULL THEN 'region_missing' ELSE 'below_law_age' END AS reason, law_region
FROM (
    SELECT user_id, created_at, law_region, is_test AS excluded, age(birth_date, created_at::DATE) AS age,
           birth_date > created_at::DATE OR age(birth_date, $today) > 110 AS wrong
    FROM users
    WHERE status IN ('active', 'suspended', 'banned') AND (deleted_at IS NULL OR is_back(deleted_at, restored_at)) AND birth_date IS NOT NULL
)
WHERE excluded OR created_at > $as_of OR wrong OR (law_region IS NULL AND age < 18)
   OR age < CASE law_region WHEN 'EEA' THEN 16 WHEN 'UK' THEN 13 WHEN 'TR' THEN 18 WHEN 'US-CA' THEN 13 WHEN 'CN' THEN 14 WHEN 'OTHER' THEN 13 END
-- population: SELECT count(*) FROM users WHERE status IN ('active', 'suspended', 'banned') AND (deleted_at IS NULL OR is_back(deleted_at, restored_at)) AND birth_date IS NOT NULL

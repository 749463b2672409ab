-- Accounts whose birth date is missing, cannot be true, or is one that suspiciously many people share.
WITH live AS (
    SELECT user_id, birth_date, created_at, law_region, is_test FROM users
    WHERE status IN ('active', 'suspended', 'banned') AND (deleted_at IS NULL OR is_back(deleted_at, restored_at))
),
often AS (
    SELECT birth_date, true AS repeated
    FROM (SELECT birth_date, count(*) AS times, sum(count(*)) OVER () AS dated FROM live WHERE NOT is_test AND birth_date IS NOT NULL GROUP BY birth_date)
    WHERE times >= 20 AND times / dated > 0.01
)
SELECT 'users:' || user_id AS record, user_id AS subject,
       CASE WHEN is_test THEN 'excluded' WHEN birth_date IS NULL OR birth_date > created_at::DATE OR age(birth_date, $today) > 110 THEN 'violation' ELSE 'review' END AS outcome,
       CASE WHEN is_test THEN 'test_account' WHEN birth_date IS NULL THEN 'birth_date_missing' WHEN birth_date > created_at::DATE THEN 'born_after_creation'
            WHEN age(birth_date, $today) > 110 THEN 'too_old' ELSE 'repeated_date' END AS reason, law_region
FROM live LEFT JOIN often USING (birth_date)
WHERE is_test OR repeated OR birth_date IS NULL OR birth_date > created_at::DATE OR age(birth_date, $today) > 110
-- population: SELECT count(*) FROM users WHERE status IN ('active', 'suspended', 'banned') AND (deleted_at IS NULL OR is_back(deleted_at, restored_at))

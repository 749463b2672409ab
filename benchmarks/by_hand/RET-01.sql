-- Deleted, or asked to be, and still there after six months.
WITH accounts AS (
    SELECT *, CASE WHEN back THEN NULL ELSE deleted_at END AS gone,
           CASE WHEN is_back(deletion_requested_at, restored_at) THEN NULL ELSE deletion_requested_at END AS asked,
           says(display_name) OR says(email) OR says(phone) AS held
    FROM (SELECT *, is_back(deleted_at, restored_at) AS back FROM users
          WHERE deleted_at IS NOT NULL OR deletion_requested_at IS NOT NULL OR status = 'deleted')
),
leaving AS (
    SELECT *, months_later(gone::DATE, 6) AS due, months_later(asked::DATE, 6) AS due_asked
    FROM accounts WHERE gone IS NOT NULL OR status = 'deleted' OR asked IS NOT NULL
),
judged AS (
    SELECT *, CASE
        WHEN status = 'deleted' AND deleted_at IS NULL THEN 'unknown:clock_missing'
        WHEN gone > $as_of OR purged_at > $as_of OR (gone IS NOT NULL AND restored_at > $as_of) THEN 'unknown:clock_future'
        WHEN purged_at < gone THEN 'unknown:clock_contradiction'
        WHEN (status = 'deleted' AND back) OR (status IN ('active', 'suspended') AND gone IS NOT NULL) THEN 'unknown:status_contradiction'
        WHEN asked > $as_of THEN 'unknown:clock_future'
        WHEN due < $today AND held AND purged_at IS NOT NULL THEN 'violation:residue_after_purge'
        WHEN due < $today AND held THEN 'violation:overdue'
        WHEN NOT held AND purged_at::DATE > due AND purged_at::DATE >= $period_start THEN 'violation:late_purge'
        WHEN due < $today AND NOT held AND purged_at IS NULL THEN 'review:unrecorded_purge'
        WHEN due_asked < $today AND held THEN 'review:overdue_from_request' END AS why
    FROM leaving
),
broken AS (
    SELECT user_id, status, law_region, coalesce(excluded, false) AS excluded, why,
           CASE WHEN why LIKE '%_from_request' THEN due_asked WHEN why LIKE 'unknown%' THEN NULL ELSE due END AS due,
           CASE WHEN why LIKE '%late_purge' THEN purged_at::DATE ELSE $today END AS closing_at,
           NOT says(display_name) AS no_name, NOT says(email) AS no_email, NOT says(phone) AS no_phone
    FROM judged LEFT JOIN testers() USING (user_id)
    WHERE why IS NOT NULL OR excluded
),
held AS (
    SELECT user_id, min(started) FILTER (closing IS NULL AND fresh) AS opened, max(closing) FILTER (started <= coalesce(due, $today)) AS closes
    FROM broken JOIN holds() USING (user_id)
    WHERE list_has_any(scope, ['*', 'users']) OR ((no_name OR list_contains(scope, 'users.display_name')) AND NOT (no_name AND no_email AND no_phone)
      AND (no_email OR list_contains(scope, 'users.email')) AND (no_phone OR list_contains(scope, 'users.phone')))
    GROUP BY ALL
)
SELECT 'users:' || user_id AS record, user_id AS subject,
       CASE WHEN excluded THEN 'excluded' WHEN excused IS NOT NULL THEN 'exempt' ELSE split_part(why, ':', 1) END AS outcome,
       CASE WHEN excluded THEN 'test_account' ELSE coalesce(excused, split_part(why, ':', 2)) END AS reason,
       CASE WHEN due IS NOT NULL THEN greatest(due, closes) END AS due_on, status, law_region
FROM (
    SELECT *, CASE WHEN excluded OR why LIKE 'unknown%' THEN NULL WHEN opened <= greatest(coalesce(due, $today), closes) THEN 'hold_open'
                   WHEN closing_at <= closes THEN 'hold_closing' END AS excused
    FROM broken LEFT JOIN held USING (user_id)
)
-- population: SELECT count(*) FROM users WHERE (deleted_at IS NOT NULL AND NOT is_back(deleted_at, restored_at)) OR status = 'deleted' OR (deletion_requested_at IS NOT NULL AND NOT is_back(deletion_requested_at, restored_at))

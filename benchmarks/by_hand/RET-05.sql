-- No contact for five years, and no entitlement now; the years begin again when an entitlement ends.
WITH premium AS (
    SELECT user_id, bool_or(status = 'active' AND NOT wrong AND NOT over) AS now,
           bool_or(status IN ('active', 'expired') AND wrong) AS contradictory,
           max(CASE WHEN status IN ('active', 'expired') AND NOT wrong AND over THEN end_at END) AS ended
    FROM (SELECT *, coalesce(end_at <= $as_of, false) AS over,
                 coalesce(start_at > end_at, false) OR (status = 'expired' AND NOT coalesce(end_at <= $as_of, false)) AS wrong
          FROM subscriptions WHERE start_at <= $as_of)
    GROUP BY user_id
),
accounts AS (
    SELECT u.user_id, u.status, law_region, created_at, last_contact_at, last_interactive_at, purged_at, contradictory,
           coalesce(greatest(last_contact_at, last_interactive_at), created_at) AS contact,
           coalesce(last_interactive_at, created_at) AS interactive,
           greatest(coalesce(greatest(last_contact_at, last_interactive_at), created_at), ended) AS anchor
    FROM users u LEFT JOIN premium USING (user_id)
    WHERE u.status IN ('active', 'suspended', 'banned') AND NOT coalesce(premium.now, false)
      AND (deleted_at IS NULL OR is_back(deleted_at, restored_at))
),
broken AS (
    SELECT accounts.*, coalesce(excluded, false) AS excluded, CASE
        WHEN created_at > $as_of OR last_contact_at > $as_of OR last_interactive_at > $as_of THEN 'unknown:clock_future'
        WHEN contact + INTERVAL 300 SECOND < created_at THEN 'unknown:clock_contradiction'
        WHEN purged_at IS NOT NULL THEN 'unknown:status_contradiction'
        WHEN contradictory AND (contact::DATE <= $inactive_limit OR interactive::DATE <= $inactive_limit) THEN 'unknown:entitlement_contradiction'
        WHEN anchor::DATE <= $inactive_limit AND last_contact_at IS NULL AND last_interactive_at IS NULL THEN 'violation:inactive_5y_imputed'
        WHEN anchor::DATE <= $inactive_limit THEN 'violation:inactive_5y'
        WHEN contact::DATE <= $inactive_limit THEN 'review:premium_reading'
        WHEN interactive::DATE <= $inactive_limit THEN 'review:interactive_reading' END AS why
    FROM accounts LEFT JOIN testers() USING (user_id)
    WHERE excluded OR anchor::DATE <= $inactive_limit OR contact::DATE <= $inactive_limit OR interactive::DATE <= $inactive_limit
       OR contact + INTERVAL 300 SECOND < created_at OR purged_at IS NOT NULL
       OR created_at > $as_of OR last_contact_at > $as_of OR last_interactive_at > $as_of
),
due AS (
    SELECT *, CASE why WHEN 'review:premium_reading' THEN months_later(contact::DATE, 60) WHEN 'review:interactive_reading' THEN months_later(interactive::DATE, 60)
                       WHEN 'violation:inactive_5y' THEN months_later(anchor::DATE, 60) WHEN 'violation:inactive_5y_imputed' THEN months_later(anchor::DATE, 60) END AS due
    FROM broken WHERE why IS NOT NULL OR excluded
),
held AS (
    SELECT user_id, min(started) FILTER (closing IS NULL AND fresh) AS opened, max(closing) FILTER (started <= due) AS closes
    FROM due JOIN holds() USING (user_id) WHERE list_has_any(scope, ['*', 'users']) GROUP BY ALL
)
SELECT 'users:' || user_id AS record, user_id AS subject,
       CASE WHEN excluded THEN 'excluded' WHEN excused IS NOT NULL THEN 'exempt' ELSE split_part(why, ':', 1) END AS outcome,
       CASE WHEN excluded THEN 'test_account' ELSE coalesce(excused, split_part(why, ':', 2)) END AS reason,
       CASE WHEN due IS NOT NULL THEN greatest(due, closes) END AS due_on, status, law_region
FROM (
    SELECT *, CASE WHEN excluded OR due IS NULL THEN NULL WHEN opened <= greatest(due, closes) THEN 'hold_open' WHEN closes >= $today THEN 'hold_closing' END AS excused
    FROM due LEFT JOIN held USING (user_id)
)
-- population: SELECT count(*) FROM users u LEFT JOIN (SELECT DISTINCT user_id FROM subscriptions WHERE start_at <= $as_of AND status = 'active' AND NOT coalesce(start_at > end_at, false) AND NOT coalesce(end_at <= $as_of, false)) p USING (user_id) WHERE u.status IN ('active', 'suspended', 'banned') AND p.user_id IS NULL AND (deleted_at IS NULL OR is_back(deleted_at, restored_at))

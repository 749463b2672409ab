-- Rows of people, in each table that is kept by person, who stand neither in users nor in the purge log.
WITH people AS (SELECT user_id FROM users UNION SELECT user_id FROM purge_log),
rows AS (
    $rows
    SELECT 'support_tickets' AS table_name, ticket_id AS key, user_id, true AS allowed FROM support_tickets UNION ALL
    SELECT 'rights_requests', request_id, user_id, true FROM rights_requests UNION ALL
    SELECT 'disclosures', disclosure_id, user_id, identifier_form = 'none' FROM disclosures UNION ALL
    SELECT 'traffic_events', event_id, user_id, CASE WHEN says(user_id) THEN false WHEN says(device_id) THEN device_id IN (
               SELECT device_id FROM devices SEMI JOIN users USING (user_id)) ELSE NOT says(ip) END
    FROM traffic_events
),
strangers AS (
    SELECT rows.*, excluded FROM rows LEFT JOIN testers() USING (user_id)
    WHERE excluded OR user_id IS NULL OR user_id NOT IN (SELECT user_id FROM people WHERE says(user_id))
)
SELECT table_name || ':' || key AS record, CASE WHEN says(user_id) THEN user_id END AS subject,
       CASE WHEN excluded THEN 'excluded' WHEN says(user_id) OR table_name <> 'traffic_events' THEN 'violation' ELSE 'review' END AS outcome,
       CASE WHEN excluded THEN 'test_account' WHEN says(user_id) THEN 'user_unknown' WHEN table_name = 'traffic_events' THEN 'unlinked_event' ELSE 'no_user' END AS reason,
       table_name
FROM strangers WHERE excluded OR says(user_id) OR NOT allowed
-- population: SELECT $row_counts (SELECT count(*) FROM support_tickets) + (SELECT count(*) FROM rights_requests) + (SELECT count(*) FROM disclosures) + (SELECT count(*) FROM traffic_events)

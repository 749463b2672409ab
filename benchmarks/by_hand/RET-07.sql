-- Logged events of somebody that are over a year old.
WITH broken AS (
    SELECT event_id, user_id, device_id, ip, event_type, excluded, event_at > $as_of AS ahead, months_later(event_at::DATE, 12) AS due
    FROM traffic_events LEFT JOIN testers() USING (user_id)
    WHERE excluded OR ((event_at::DATE <= $traffic_limit OR event_at > $as_of) AND (says(user_id) OR says(device_id) OR says(ip)))
),
held AS (
    SELECT event_id, min(started) FILTER (closing IS NULL AND fresh) AS opened, max(closing) FILTER (started <= due) AS closes
    FROM broken JOIN holds() USING (user_id)
    WHERE excluded IS NULL AND NOT ahead
      AND (list_has_any(scope, ['*', 'traffic_events']) OR ((NOT says(user_id) OR list_contains(scope, 'traffic_events.user_id'))
           AND (NOT says(device_id) OR list_contains(scope, 'traffic_events.device_id')) AND (NOT says(ip) OR list_contains(scope, 'traffic_events.ip'))))
    GROUP BY event_id
)
SELECT 'traffic_events:' || event_id AS record, CASE WHEN says(user_id) THEN user_id END AS subject,
       CASE WHEN excluded THEN 'excluded' WHEN ahead THEN 'unknown' WHEN excused IS NOT NULL THEN 'exempt' ELSE 'violation' END AS outcome,
       CASE WHEN excluded THEN 'test_account' WHEN ahead THEN 'clock_future' ELSE coalesce(excused, 'over_one_year') END AS reason,
       CASE WHEN excluded IS NULL AND NOT ahead THEN greatest(due, closes) END AS due_on, event_type
FROM (
    SELECT *, CASE WHEN opened <= greatest(due, closes) THEN 'hold_open' WHEN closes >= $today THEN 'hold_closing' END AS excused
    FROM broken LEFT JOIN held USING (event_id)
)
-- population: SELECT count(*) FROM traffic_events

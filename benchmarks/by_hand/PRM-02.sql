-- Voices recorded while the microphone's permission was not on.
WITH names AS (
    SELECT permission FROM (SELECT DISTINCT permission, regexp_replace(regexp_replace(lower(permission), '[^a-z0-9]+', '', 'g'), '^androidpermission', '') AS key FROM permission_events)
    WHERE key IN ($microphone)
),
states AS (
    SELECT *, coalesce(lead(since) OVER (PARTITION BY device_id ORDER BY since), TIMESTAMP '9999-12-31') AS until
    FROM (SELECT device_id, event_at AS since, max(CASE action WHEN 'granted' THEN 1 WHEN 'denied' THEN 2 ELSE 3 END) AS state
          FROM permission_events SEMI JOIN names USING (permission)
          WHERE action IN ('granted', 'denied', 'revoked') AND says(device_id) AND event_at IS NOT NULL GROUP BY ALL)
),
items AS (
    SELECT content_id, c.user_id, c.device_id, kind, created_at, created_at - INTERVAL 300 SECOND AS early, created_at + INTERVAL 300 SECOND AS late, installed_at
    FROM content_items c LEFT JOIN (SELECT device_id, max(installed_at) AS installed_at, bool_or(platform = 'web') AS web FROM devices GROUP BY ALL) d USING (device_id)
    WHERE (capture_source = 'mic' OR (kind = 'voice' AND NOT says(capture_source))) AND web IS NOT TRUE AND in_period(created_at)
),
doubtful AS (
    SELECT i.*, coalesce(s.state, 0) AS state, since, excluded, (SELECT min(event_at) FROM permission_events) AS log_start
    FROM items i LEFT JOIN states s ON s.device_id = i.device_id AND since <= created_at AND created_at < until
    LEFT JOIN testers() t ON t.user_id = i.user_id
    WHERE excluded OR coalesce(s.state, 0) <> 1 OR (since < installed_at AND installed_at <= created_at)
       OR created_at < (SELECT min(event_at) FROM permission_events)
),
judged AS (
    SELECT d.*, CASE WHEN NOT says(d.device_id) THEN 'unknown:device_missing' WHEN created_at IS NULL THEN 'unknown:clock_missing'
        WHEN log_start IS NULL THEN 'unknown:no_permission_log' WHEN created_at < log_start THEN 'unknown:before_log_start'
        WHEN d.state <> 1 AND (a.state = 1 OR b.state = 1) THEN 'review:clock_skew'
        WHEN d.state = 3 THEN 'violation:permission_revoked' WHEN d.state = 2 THEN 'violation:permission_denied' WHEN d.state = 0 THEN 'violation:no_grant'
        WHEN d.since < installed_at AND installed_at <= created_at THEN 'review:grant_before_reinstall' END AS why
    FROM doubtful d
    LEFT JOIN states a ON a.device_id = d.device_id AND a.since <= early AND early < a.until
    LEFT JOIN states b ON b.device_id = d.device_id AND b.since <= late AND late < b.until
)
SELECT 'content_items:' || content_id AS record, CASE WHEN says(user_id) THEN user_id END AS subject,
       CASE WHEN excluded THEN 'excluded' ELSE split_part(why, ':', 1) END AS outcome,
       CASE WHEN excluded THEN 'test_account' ELSE split_part(why, ':', 2) END AS reason, kind
FROM judged WHERE excluded OR why IS NOT NULL
-- population: SELECT count(*) FROM content_items c LEFT JOIN (SELECT device_id, bool_or(platform = 'web') AS web FROM devices GROUP BY ALL) d USING (device_id) WHERE (capture_source = 'mic' OR (kind = 'voice' AND NOT says(capture_source))) AND web IS NOT TRUE AND in_period(created_at)

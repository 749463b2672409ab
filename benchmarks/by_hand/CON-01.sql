-- Marketing of the last quarter without a consent in force for its channel, now, or if clocks differ by five minutes.
WITH history AS (
    SELECT *, coalesce(lead(since) OVER (PARTITION BY user_id, channel ORDER BY since), TIMESTAMP '9999-12-31') AS until
    FROM (SELECT user_id, substr(purpose, 11) AS channel, event_at AS since, max(CASE
              WHEN action = 'withdraw' THEN 6 WHEN action = 'opt_out' THEN 5 WHEN action = 'refuse' THEN 4
              WHEN NOT explicit OR method IN ('bundled_terms', 'default') THEN 1 WHEN says(policy_version) THEN 3 ELSE 2 END) AS state
          FROM consents WHERE event_at <= $as_of AND purpose LIKE 'marketing\_%' ESCAPE '\'
          GROUP BY ALL)
),
sends AS (
    SELECT message_id, user_id, channel, category, sent_at, sent_at - INTERVAL 300 SECOND AS early, sent_at + INTERVAL 300 SECOND AS late
    FROM outbound_messages
    WHERE category IN ('marketing', 'unknown') AND status <> 'suppressed' AND sent_at >= $period_start AND sent_at <= $as_of
),
-- most sends have their consent: only those that have not are looked at again
doubtful AS (
    SELECT s.*, coalesce(h.state, 0) AS state, excluded
    FROM sends s LEFT JOIN history h ON h.user_id = s.user_id AND h.channel = s.channel AND h.since <= sent_at AND sent_at < h.until
    LEFT JOIN testers() t ON t.user_id = s.user_id
    WHERE excluded OR coalesce(h.state, 0) <> 3
),
judged AS (
    SELECT d.*, b.state IN (2, 3) OR c.state IN (2, 3) AS skewed
    FROM doubtful d
    LEFT JOIN history b ON b.user_id = d.user_id AND b.channel = d.channel AND b.since < early AND early <= b.until
    LEFT JOIN history c ON c.user_id = d.user_id AND c.channel = d.channel AND c.since <= late AND late < c.until
)
SELECT 'outbound_messages:' || message_id AS record, CASE WHEN says(user_id) THEN user_id END AS subject,
       CASE WHEN excluded THEN 'excluded' WHEN state = 2 OR skewed OR category = 'unknown' THEN 'review' ELSE 'violation' END AS outcome,
       CASE WHEN excluded THEN 'test_account' WHEN state = 2 THEN 'version_unknown' WHEN skewed THEN 'clock_skew' WHEN category = 'unknown' THEN 'category_unknown'
            ELSE ['no_record', 'not_explicit', '', '', 'refused', 'opted_out', 'withdrawn'][1 + state] END AS reason,
       channel, strftime(sent_at, '%Y-%m') AS month
FROM judged
-- population: SELECT count(*) FROM outbound_messages WHERE category IN ('marketing', 'unknown') AND status <> 'suppressed' AND sent_at >= $period_start AND sent_at <= $as_of

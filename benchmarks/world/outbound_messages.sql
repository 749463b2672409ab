WITH people AS MATERIALIZED (
    SELECT i, user_key(i) AS user_id, channel(i) AS own_channel, stop(i) AS stop, least(start(i) - 0.05, 180) - stop(i) AS span,
           to_marketing(i) AND (is_active(i) OR is_deleted(i)) AS wanted,
           -- no marketing between a withdrawal and the next grant
           CASE WHEN took_back(i) THEN moment(i, 0.3, 180) ELSE 0 END AS withdrawn, CASE WHEN agreed_again(i) THEN moment(i, 0.2, 180) ELSE 0 END AS again
    FROM range($first, $last) AS people(i)
    WHERE is_recent(i)
),
sends AS (
    SELECT 10 * $first + n AS number, $first + (n * 1000003) % ($last - $first) AS i, n // ($last - $first) AS turn
    FROM range(0, 10 * ($last - $first)) AS numbers(n)
),
kinds AS (
    SELECT *, stop + chance(number, 70) * span AS days, chance(number, 71) < 0.003 AS against
    FROM sends JOIN people USING (i)
),
allowed AS (
    SELECT *, turn < 2 AND wanted AND (days > withdrawn OR days < again) AS marketing FROM kinds
)
SELECT 'm' || number AS message_id, user_id,
       CASE WHEN against THEN 'sms' WHEN marketing THEN own_channel
            WHEN i % 4 = 3 THEN 'email' ELSE pick(['push', 'push', 'email'], chance(number, 72)) END AS channel,
       CASE WHEN marketing OR against THEN 'marketing' WHEN chance(number, 73) < 0.0005 THEN 'unknown'
            WHEN turn = 9 THEN 'security' ELSE 'service' END AS category,
       CASE WHEN marketing THEN 'spring' END AS campaign_id,
       ago(days) AS sent_at,
       pick(['delivered', 'delivered', 'delivered', 'delivered', 'delivered', 'delivered', 'sent', 'sent', 'bounced', 'suppressed'], chance(number, 74)) AS status,
       't' || (turn % 7) AS template_id
FROM allowed

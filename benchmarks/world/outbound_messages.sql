WITH sends AS (
    SELECT n, $first + (n * 1000003) % ($last - $first) AS i, n // ($last - $first) AS turn
    FROM range(0, 10 * ($last - $first)) AS numbers(n)
),
kinds AS (
    SELECT *, 10 * $first + n AS number, moment(i, chance(10 * $first + n, 70), 180) AS days,
           turn < 2 AND to_marketing(i) AND (is_active(i) OR is_deleted(i)) AS wanted,
           chance(10 * $first + n, 71) < 0.003 AS against
    FROM sends
    WHERE is_recent(i)
),
allowed AS (
    -- none between a withdrawal and the next grant
    SELECT *, wanted AND (NOT took_back(i) OR days > moment(i, 0.3, 180) OR (agreed_again(i) AND days < moment(i, 0.2, 180))) AS marketing
    FROM kinds
)
SELECT 'm' || number AS message_id, user_key(i) AS user_id,
       CASE WHEN against THEN 'sms' WHEN marketing THEN channel(i)
            WHEN i % 4 = 3 THEN 'email' ELSE pick(['push', 'push', 'email'], chance(number, 72)) END AS channel,
       CASE WHEN marketing OR against THEN 'marketing' WHEN chance(number, 73) < 0.0005 THEN 'unknown'
            WHEN turn = 9 THEN 'security' ELSE 'service' END AS category,
       CASE WHEN marketing THEN 'spring' END AS campaign_id,
       ago(days) AS sent_at,
       pick(['delivered', 'delivered', 'delivered', 'delivered', 'delivered', 'delivered', 'sent', 'sent', 'bounced', 'suppressed'], chance(number, 74)) AS status,
       't' || (turn % 7) AS template_id
FROM allowed

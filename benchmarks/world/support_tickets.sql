SELECT 'k' || i AS ticket_id, user_key(i) AS user_id, pick(['account', 'account', 'account', 'account_leak'], chance(i, 141)) AS topic,
       ago(days) AS opened_at, ago(days - if(chance(i, 142) < 0.02, 4, 0.5)) AS first_action_at, ago(days) AS last_customer_at,
       ago(days - 4.5) AS last_agent_at, ago(days - 4.5) AS closed_at, NULL::TIMESTAMPTZ AS reopened_at, NULL::TIMESTAMPTZ AS purged_at,
       pick(['I can''t log in since yesterday.', 'Uygulama ses odasında kapanıyor.', '我的订阅没有续费成功。', 'لا أستطيع تغيير صورتي.',
             '¿Cómo puedo cambiar mi correo?', 'Please call me back on +49 151 ' || (10000000 + i % 89999999) || '.'], chance(i, 143)) AS text
FROM (SELECT i, moment(i, chance(i, 144), 600) + 5 AS days FROM range($first, $last) AS people(i))
WHERE chance(i, 140) < 0.08 AND is_active(i) AND start(i) > 40

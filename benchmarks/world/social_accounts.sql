SELECT 'l' || i AS link_id, user_key(i) AS user_id, 'google' AS provider,
       CASE WHEN chance(i, 191) < 0.01 THEN ['openid', 'contacts'] ELSE ['openid'] END AS fields_received,
       ago(start(i) - 0.04) AS linked_at, NULL::TIMESTAMPTZ AS unlinked_at
FROM range($first, $last) AS people(i)
WHERE chance(i, 190) < 0.1 AND is_recent(i)

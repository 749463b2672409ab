SELECT 'staff-' || n AS staff_id, pick(['support', 'moderator', 'engineer'], chance(n, 200)) AS role, DATE '2022-01-01' + (n % 300)::INTEGER AS started_at,
       CASE WHEN n % 50 = 7 THEN DATE '2024-12-31' END AS left_at, DATE '2025-03-31' - (10 + n % 340)::INTEGER AS last_training_at
FROM range(200) AS staff(n)
WHERE $first = 0

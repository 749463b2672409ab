-- Content that more people see than its author chose.
SELECT 'content_items:' || content_id AS record, CASE WHEN says(user_id) THEN user_id END AS subject,
       CASE WHEN excluded THEN 'excluded' WHEN unclear THEN 'unknown' WHEN wider THEN 'violation' ELSE 'review' END AS outcome,
       CASE WHEN excluded THEN 'test_account' WHEN nobody_chose THEN 'visibility_missing' WHEN unclear THEN 'effective_missing'
            WHEN wider THEN 'wider_than_chosen' ELSE 'audience_differs' END AS reason,
       kind, visibility
FROM (
    SELECT content_id, user_id, kind, visibility, excluded,
           coalesce(visibility NOT IN ('public', 'friends', 'room', 'private'), true) AS nobody_chose,
           coalesce(visibility NOT IN ('public', 'friends', 'room', 'private') OR effective_visibility NOT IN ('public', 'friends', 'room', 'private'), true) AS unclear,
           effective_visibility = 'public' OR visibility = 'private' AS wider
    FROM content_items LEFT JOIN testers() USING (user_id)
    WHERE (deleted_at IS NULL OR deleted_at > $as_of)
      AND (excluded OR visibility IS NULL OR effective_visibility IS NULL OR (effective_visibility <> visibility AND effective_visibility <> 'private' AND visibility <> 'public')
           OR visibility NOT IN ('public', 'friends', 'room', 'private') OR effective_visibility NOT IN ('public', 'friends', 'room', 'private'))
)
-- population: SELECT count(*) FROM content_items WHERE deleted_at IS NULL OR deleted_at > $as_of

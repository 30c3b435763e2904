-- Everything that moved and is still there, by what keeps it there.
SELECT CASE WHEN i.is_active THEN 'live'
            WHEN EXISTS (SELECT FROM api_keys k WHERE k.user_id = i.user_id AND k.mcp_type_id = i.mcp_type_id
                            AND k.created_at > m.moved_at) THEN 'newer_key'
            WHEN EXISTS (SELECT FROM mcp_logs l WHERE l.mcp_instance_id = i.id) THEN 'logs_kept'
            WHEN EXISTS (SELECT FROM health_targets t JOIN health_checks h ON h.target_id = t.id
                          WHERE t.mcp_instance_id = i.id) THEN 'checks_kept'
            ELSE 'busy' END, count(*)
  FROM mcp_instances i
  JOIN (SELECT user_id, mcp_type_id, max(moved_at) AS moved_at FROM shared_moves
         WHERE user_id = ANY (:user_ids) GROUP BY user_id, mcp_type_id) m USING (user_id, mcp_type_id)
 GROUP BY 1
UNION ALL
SELECT 'key_in_use', count(*) FROM api_keys k JOIN shared_moves m ON m.api_key_id = k.id AND m.moved_at >= k.created_at
 WHERE k.user_id = ANY (:user_ids) HAVING count(*) > 0

SELECT k.id, k.key_hint, t.display_name AS mcp_type,
       count(i.id) FILTER (WHERE i.is_active) AS active_instances, max(i.created_at) AS last_used
  FROM api_keys k
  JOIN mcp_types t ON t.id = k.mcp_type_id
  LEFT JOIN mcp_instances i ON i.api_key_id = k.id
 WHERE k.user_id = :user_id AND k.is_active = true
 GROUP BY k.id, t.display_name

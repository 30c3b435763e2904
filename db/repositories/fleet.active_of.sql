SELECT i.id, i.name, t.name, t.display_name, t.icon_url, i.status, i.access_url, i.access_token_hint, i.assigned_port,
       i.process_id, i.expires_at, i.last_accessed, i.created_at
  FROM mcp_instances i JOIN mcp_types t ON t.id = i.mcp_type_id
 WHERE i.user_id = :user_id AND i.status IN ('pending', 'running') AND i.deleted_at IS NULL
 ORDER BY i.created_at DESC, i.id

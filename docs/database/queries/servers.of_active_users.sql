SELECT s.id, s.name, s.created_by
  FROM gateway.mcp_servers s
 WHERE s.deleted_at IS NULL
   AND EXISTS (SELECT FROM gateway.sessions e
                WHERE e.user_id = s.created_by AND e.is_active AND e.expires_at > now())

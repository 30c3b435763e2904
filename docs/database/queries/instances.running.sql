SELECT i.id, i.host_id, i.process_id, i.assigned_port, i.created_at
  FROM mcp_instances i
 WHERE i.status = 'running' AND i.process_id IS NOT NULL AND i.deleted_at IS NULL AND i.id > :after
 ORDER BY i.id LIMIT 500

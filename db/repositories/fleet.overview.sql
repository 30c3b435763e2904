SELECT i.id, i.user_id, t.name, i.name, i.host_id, i.status, i.assigned_port, i.access_url, i.process_id, i.expires_at,
       i.created_at, i.deleted_at, i.error_message, h.verdict, h.consecutive_failures, h.checked_at,
       p.port IS NOT NULL AS holds_port
  FROM mcp_instances i
  JOIN mcp_types t ON t.id = i.mcp_type_id
  LEFT JOIN health_targets h ON h.id = i.id
  LEFT JOIN port_allocations p ON p.mcp_instance_id = i.id
 WHERE CAST(:instance_ids AS uuid[]) IS NULL OR i.id = ANY (CAST(:instance_ids AS uuid[]))
 ORDER BY i.created_at, i.id LIMIT CAST(:limit AS integer)

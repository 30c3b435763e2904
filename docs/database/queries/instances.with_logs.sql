SELECT i.id, i.status, i.expires_at, l.timestamp, l.level, l.message
  FROM mcp_instances i
  LEFT JOIN LATERAL (
       SELECT n.timestamp, n.level, n.message FROM mcp_logs n
        WHERE n.mcp_instance_id = i.id AND n.timestamp >= :since
        ORDER BY n.timestamp DESC LIMIT 100
       ) l ON true
 WHERE i.access_token_hash = :access_token_hash AND i.deleted_at IS NULL
 ORDER BY l.timestamp DESC

SELECT l.id, l.mcp_instance_id, l.timestamp, l.level, l.source, l.message, l.metadata
  FROM mcp_instances i
 CROSS JOIN LATERAL (
       SELECT * FROM mcp_logs
        WHERE mcp_instance_id = i.id AND level IN ('warn', 'error')
          AND timestamp >= :since AND timestamp < :until
          AND timestamp <= :before_at AND (timestamp, id) < (:before_at, :before_id)
        ORDER BY timestamp DESC, id DESC LIMIT CAST(:limit AS integer)
 ) l
 WHERE i.user_id = :user_id AND i.deleted_at IS NULL
 ORDER BY l.timestamp DESC, l.id DESC LIMIT CAST(:limit AS integer)

SELECT id, mcp_instance_id, timestamp, level, source, message, metadata
  FROM mcp_logs
 WHERE mcp_instance_id = :instance_id
   AND timestamp >= :since AND timestamp < :until
   AND timestamp <= :before_at AND (timestamp, id) < (:before_at, :before_id)
   AND (CAST(:levels AS text[]) IS NULL OR level = ANY (CAST(:levels AS text[])))
   AND (CAST(:words AS text) IS NULL
        OR to_tsvector('simple', message) @@ websearch_to_tsquery('simple', CAST(:words AS text)))
 ORDER BY timestamp DESC, id DESC LIMIT CAST(:limit AS integer)

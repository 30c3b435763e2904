WITH found AS MATERIALIZED (
    SELECT id, user_id, status FROM mcp_instances WHERE id = CAST(:instance_id AS uuid) FOR NO KEY UPDATE
), moved AS (
    UPDATE mcp_instances i SET status = 'error', error_message = CAST(:error AS text)
      FROM found
     WHERE i.id = found.id AND i.status IN ('pending', 'running') AND i.deleted_at IS NULL
       -- A failure from before this process began is another process's.
       AND (i.process_started_at IS NULL OR i.process_started_at <= CAST(:at AS timestamptz))
    RETURNING i.id
), released AS (
    UPDATE port_allocations p SET is_available = true, mcp_instance_id = NULL, released_at = now()
      FROM moved WHERE p.mcp_instance_id = moved.id
), event AS (
    INSERT INTO mcp_events (mcp_instance_id, user_id, event_type, event_data)
    SELECT found.id, found.user_id, CASE WHEN moved.id IS NULL THEN 'refused_fail' ELSE 'error' END,
           jsonb_build_object('occurred_at', CAST(:at AS timestamptz), 'from', found.status, 'error', CAST(:error AS text))
      FROM found LEFT JOIN moved ON true
)
SELECT moved.id IS NOT NULL FROM found LEFT JOIN moved ON true

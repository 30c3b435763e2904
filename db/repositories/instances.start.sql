WITH found AS MATERIALIZED (
    SELECT id, user_id, status FROM mcp_instances WHERE id = CAST(:instance_id AS uuid) FOR NO KEY UPDATE
), moved AS (
    UPDATE mcp_instances i
       SET status = 'running', process_id = CAST(:process_id AS integer),
           process_started_at = CAST(:process_started_at AS timestamptz)
      FROM found
     WHERE i.id = found.id AND i.status = 'pending' AND i.deleted_at IS NULL AND i.host_id = CAST(:host_id AS text)
    RETURNING i.id
), event AS (
    INSERT INTO mcp_events (mcp_instance_id, user_id, event_type, event_data)
    SELECT found.id, found.user_id, CASE WHEN moved.id IS NULL THEN 'refused_start' ELSE 'started' END,
           jsonb_build_object('occurred_at', CAST(:at AS timestamptz), 'from', found.status,
                              'host_id', CAST(:host_id AS text), 'process_id', CAST(:process_id AS integer))
      FROM found LEFT JOIN moved ON true
)
SELECT moved.id IS NOT NULL FROM found LEFT JOIN moved ON true

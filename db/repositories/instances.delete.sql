WITH found AS MATERIALIZED (
    SELECT id, user_id, status FROM mcp_instances WHERE id = CAST(:instance_id AS uuid) FOR NO KEY UPDATE
), moved AS (
    UPDATE mcp_instances i
       SET deleted_at = now(), status = CASE WHEN i.status IN ('pending', 'running') THEN 'disconnected' ELSE i.status END
      FROM found WHERE i.id = found.id AND i.deleted_at IS NULL
    RETURNING i.id
), released AS (
    UPDATE port_allocations p SET is_available = true, mcp_instance_id = NULL, released_at = now()
      FROM moved WHERE p.mcp_instance_id = moved.id
), event AS (
    INSERT INTO mcp_events (mcp_instance_id, user_id, event_type, event_data)
    SELECT found.id, found.user_id, CASE WHEN moved.id IS NULL THEN 'refused_delete' ELSE 'deleted' END,
           jsonb_strip_nulls(jsonb_build_object(
               'occurred_at', CAST(:at AS timestamptz), 'from', found.status, 'reason', CAST(:reason AS text)))
      FROM found LEFT JOIN moved ON true
)
SELECT moved.id IS NOT NULL FROM found LEFT JOIN moved ON true

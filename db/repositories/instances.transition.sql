-- One compare-and-set: the state in the database decides, and whatever it decides is an event.
WITH found AS MATERIALIZED (
    SELECT id, user_id, status, deleted_at FROM mcp_instances
     WHERE id = CAST(:instance_id AS uuid) FOR NO KEY UPDATE
), moved AS (
    UPDATE mcp_instances i SET $changes
      FROM found
     WHERE i.id = found.id AND i.status IN ($origins) AND i.deleted_at IS NULL AND $guard
    RETURNING i.id
), released AS (
    UPDATE port_allocations p SET is_available = true, mcp_instance_id = NULL, released_at = now()
      FROM moved WHERE p.mcp_instance_id = moved.id AND $ends_lease
), event AS (
    INSERT INTO mcp_events (mcp_instance_id, user_id, event_type, event_data, ip_address, user_agent)
    SELECT found.id, found.user_id, CASE WHEN moved.id IS NULL THEN 'refused_$name' ELSE '$event' END,
           CAST(:details AS jsonb) || jsonb_strip_nulls(jsonb_build_object(
               'occurred_at', CAST(:at AS timestamptz), 'from', found.status,
               'refusal', CASE WHEN moved.id IS NOT NULL THEN NULL
                               WHEN found.deleted_at IS NOT NULL THEN 'It was deleted.'
                               WHEN found.status NOT IN ($origins) THEN 'It is ' || found.status || '.'
                               ELSE '$objection' END)),
           CAST(:ip_address AS inet), CAST(:user_agent AS text)
      FROM found LEFT JOIN moved ON true
)
SELECT moved.id IS NOT NULL FROM found LEFT JOIN moved ON true

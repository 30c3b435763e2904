-- An instance that was given up answers again at its place: it gets its old port back, or stays disconnected.
WITH found AS MATERIALIZED (
    SELECT id, user_id FROM mcp_instances WHERE id = CAST(:instance_id AS uuid)
), asked AS MATERIALIZED (
    -- The user's row is locked before the instance's, as everywhere.
    SELECT count_live_instances(found.user_id) AS live FROM found
), held AS MATERIALIZED (
    SELECT i.* FROM asked, mcp_instances i WHERE i.id = CAST(:instance_id AS uuid) FOR NO KEY UPDATE OF i
), verdict AS MATERIALIZED (
    SELECT CASE WHEN held.deleted_at IS NOT NULL THEN 'It was deleted.'
                WHEN held.status NOT IN ($origins) THEN 'It is ' || held.status || '.'
                WHEN held.expires_at <= now() THEN 'Its time is over.'
                WHEN held.restored_at > CAST(:at AS timestamptz) THEN 'What is told happened before its present life.'
                WHEN asked.live IS NULL THEN 'Its user is not active.'
                WHEN asked.live >= (SELECT (value #>> '{}')::integer FROM system_settings
                                     WHERE key = 'mcp.max_instances_per_user')
                THEN format('The user has %s live instances and may have no more.', asked.live)
           END AS objection
      FROM held, asked
), free AS MATERIALIZED (
    SELECT p.host_id, p.port FROM port_allocations p, held
     WHERE p.host_id = held.host_id AND p.port = held.assigned_port AND p.is_available
       AND (SELECT objection IS NULL FROM verdict) FOR UPDATE OF p SKIP LOCKED
), lease AS (
    UPDATE port_allocations p
       SET is_available = false, mcp_instance_id = CAST(:instance_id AS uuid), allocated_at = now()
      FROM free WHERE p.host_id = free.host_id AND p.port = free.port
    RETURNING p.port
), moved AS (
    UPDATE mcp_instances i SET status = '$target' FROM lease WHERE i.id = CAST(:instance_id AS uuid)
    RETURNING i.id, i.assigned_port
), event AS (
    INSERT INTO mcp_events (mcp_instance_id, user_id, event_type, event_data)
    SELECT held.id, held.user_id, CASE WHEN moved.id IS NULL THEN 'refused_$name' ELSE '$event' END,
           jsonb_strip_nulls(jsonb_build_object(
               'occurred_at', CAST(:at AS timestamptz), 'from', held.status, 'port', moved.assigned_port,
               'refusal', CASE WHEN moved.id IS NULL
                               THEN coalesce(verdict.objection, format('Its port %s is no longer free.', held.assigned_port)) END))
      FROM held CROSS JOIN verdict LEFT JOIN moved ON true
)
SELECT moved.id IS NOT NULL FROM found LEFT JOIN moved ON true

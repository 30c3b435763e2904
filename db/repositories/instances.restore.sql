-- Restoring is creating again under the same id: the limit, the type and the lease of a port decide as they do there.
WITH found AS MATERIALIZED (
    SELECT id, user_id, mcp_type_id, host_id, status, deleted_at FROM mcp_instances
     WHERE id = CAST(:instance_id AS uuid)
), asked AS MATERIALIZED (
    -- The user's row is locked before the instance's, as everywhere.
    SELECT count_live_instances(found.user_id) AS live FROM found
), held AS MATERIALIZED (
    SELECT i.id, i.status, i.deleted_at FROM asked, mcp_instances i
     WHERE i.id = CAST(:instance_id AS uuid) FOR NO KEY UPDATE OF i
), bounds AS MATERIALIZED (
    SELECT max(value #>> '{}') FILTER (WHERE key = 'mcp.max_instances_per_user') AS instances,
           max(value #>> '{}') FILTER (WHERE key = 'mcp.default_duration_minutes') AS minutes
      FROM system_settings WHERE key IN ('mcp.max_instances_per_user', 'mcp.default_duration_minutes')
), verdict AS MATERIALIZED (
    SELECT now() + make_interval(mins => least(
               coalesce(CAST(:duration_minutes AS integer), bounds.minutes::integer), t.max_duration_minutes)) AS expires_at,
           CASE WHEN held.deleted_at IS NOT NULL THEN 'It was deleted.'
                WHEN held.status NOT IN ($origins) THEN 'It is ' || held.status || '.'
                WHEN asked.live IS NULL THEN 'Its user is not active.'
                WHEN NOT t.is_active THEN format('The type %s is not active.', t.name)
                WHEN asked.live >= bounds.instances::integer
                THEN format('The user has %s live instances and may have %s.', asked.live, bounds.instances)
           END AS objection
      FROM found JOIN held USING (id) JOIN mcp_types t ON t.id = found.mcp_type_id, asked, bounds
), free AS MATERIALIZED (
    SELECT p.host_id, p.port FROM port_allocations p, found
     WHERE p.host_id = found.host_id AND p.is_available AND (SELECT objection IS NULL FROM verdict)
     ORDER BY p.released_at NULLS FIRST, p.port LIMIT 1 FOR UPDATE OF p SKIP LOCKED
), lease AS (
    UPDATE port_allocations p
       SET is_available = false, mcp_instance_id = CAST(:instance_id AS uuid), allocated_at = now()
      FROM free WHERE p.host_id = free.host_id AND p.port = free.port
    RETURNING p.host_id, p.port
), moved AS (
    UPDATE mcp_instances i
       SET status = '$target', assigned_port = lease.port, expires_at = verdict.expires_at,
           access_url = 'http://' || CASE lease.host_id WHEN 'local' THEN 'localhost' ELSE lease.host_id END || ':' || lease.port,
           process_id = NULL, process_started_at = NULL, error_message = NULL,
           pending_since = now(), restored_at = CAST(:at AS timestamptz)
      FROM lease, verdict WHERE i.id = CAST(:instance_id AS uuid)
    RETURNING i.id, i.assigned_port
), event AS (
    INSERT INTO mcp_events (mcp_instance_id, user_id, event_type, event_data, ip_address, user_agent)
    SELECT found.id, found.user_id, CASE WHEN moved.id IS NULL THEN 'refused_$name' ELSE '$event' END,
           jsonb_strip_nulls(jsonb_build_object(
               'occurred_at', CAST(:at AS timestamptz), 'from', held.status, 'port', moved.assigned_port,
               'refusal', CASE WHEN moved.id IS NULL
                               THEN coalesce(verdict.objection, format('No port is free on the host %s.', found.host_id)) END)),
           CAST(:ip_address AS inet), CAST(:user_agent AS text)
      FROM found JOIN held USING (id) CROSS JOIN verdict LEFT JOIN moved ON true
)
SELECT moved.id IS NOT NULL FROM found LEFT JOIN moved ON true

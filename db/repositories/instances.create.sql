-- One statement creates the instance, leases its port and records the event, or says why not.
--
-- The limit per user is exact because count_live_instances() locks the user and then counts in a snapshot of its own,
-- newer than this statement's: a lock taken by the statement itself would be waited for and then be followed by a count
-- of what was there before the wait.
WITH asked AS MATERIALIZED (
    SELECT count_live_instances(CAST(:user_id AS uuid)) AS live
), kind AS MATERIALIZED (
    SELECT id, name, is_active, max_duration_minutes FROM mcp_types WHERE name = CAST(:mcp_type AS text)
), bounds AS MATERIALIZED (
    SELECT max(value #>> '{}') FILTER (WHERE key = 'mcp.max_instances_per_user') AS instances,
           max(value #>> '{}') FILTER (WHERE key = 'mcp.default_duration_minutes') AS minutes
      FROM system_settings WHERE key IN ('mcp.max_instances_per_user', 'mcp.default_duration_minutes')
), verdict AS MATERIALIZED (
    SELECT kind.id AS type_id,
           now() + make_interval(mins => least(
               coalesce(CAST(:duration_minutes AS integer), bounds.minutes::integer), kind.max_duration_minutes)) AS expires_at,
           CASE WHEN NOT kind.is_active THEN format('The type %s is not active.', kind.name)
                WHEN asked.live >= bounds.instances::integer
                THEN format('The user has %s live instances and may have %s.', asked.live, bounds.instances)
           END AS objection
      FROM asked, kind, bounds WHERE asked.live IS NOT NULL
), free AS MATERIALIZED (
    SELECT host_id, port FROM port_allocations
     WHERE host_id = CAST(:host_id AS text) AND is_available AND (SELECT objection IS NULL FROM verdict)
     ORDER BY released_at NULLS FIRST, port LIMIT 1 FOR UPDATE SKIP LOCKED
), lease AS (
    UPDATE port_allocations p
       SET is_available = false, mcp_instance_id = CAST(:instance_id AS uuid), allocated_at = now()
      FROM free WHERE p.host_id = free.host_id AND p.port = free.port
    RETURNING p.port
), born AS (
    INSERT INTO mcp_instances (id, user_id, mcp_type_id, name, host_id, access_token_hash, access_token_hint, access_url,
                               assigned_port, status, expires_at, config, error_message)
    SELECT CAST(:instance_id AS uuid), CAST(:user_id AS uuid), verdict.type_id, CAST(:name AS text), CAST(:host_id AS text),
           CAST(:access_token_hash AS text), CAST(:access_token_hint AS text),
           'http://' || CASE CAST(:host_id AS text) WHEN 'local' THEN 'localhost' ELSE CAST(:host_id AS text) END || ':' || lease.port,
           lease.port, CASE WHEN lease.port IS NULL THEN 'error' ELSE 'pending' END, verdict.expires_at, CAST(:config AS jsonb),
           CASE WHEN lease.port IS NULL
                THEN coalesce(verdict.objection, format('No port is free on the host %s.', CAST(:host_id AS text))) END
      FROM verdict LEFT JOIN lease ON true
    RETURNING id, user_id, status, assigned_port, access_url, expires_at, error_message
), event AS (
    INSERT INTO mcp_events (mcp_instance_id, user_id, event_type, event_data, ip_address, user_agent)
    SELECT id, user_id, CASE status WHEN 'pending' THEN 'created' ELSE 'error' END,
           jsonb_strip_nulls(jsonb_build_object(
               'occurred_at', CAST(:at AS timestamptz), 'port', assigned_port, 'error', error_message)),
           CAST(:ip_address AS inet), CAST(:user_agent AS text)
      FROM born
)
SELECT asked.live IS NOT NULL, EXISTS (SELECT FROM kind),
       EXISTS (SELECT FROM port_allocations WHERE host_id = CAST(:host_id AS text)),
       born.status, born.assigned_port, born.access_url, born.expires_at, born.error_message
  FROM asked LEFT JOIN born ON true

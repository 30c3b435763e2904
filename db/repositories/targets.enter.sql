-- Whatever lives and is no target yet becomes one, with the settings of today; one that no target can have is taken
-- for the nearest that one can, so that a slip in the settings stops no check.
WITH asked AS MATERIALIZED (
    SELECT min(value #>> '{}') FILTER (WHERE key = 'health.interval_seconds')::integer AS interval_seconds,
           min(value #>> '{}') FILTER (WHERE key = 'health.timeout_seconds')::double precision AS timeout_seconds,
           min(value #>> '{}') FILTER (WHERE key = 'health.failure_threshold')::integer AS failure_threshold,
           min(value #>> '{}') FILTER (WHERE key = 'health.recovery_threshold')::integer AS recovery_threshold,
           min(value #>> '{}') FILTER (WHERE key = 'health.reset_seconds')::integer AS reset_seconds,
           min(value #>> '{}') FILTER (WHERE key = 'health.reset_limit_seconds')::integer AS reset_limit_seconds
      FROM system_settings WHERE key LIKE 'health.%'
), bounds AS MATERIALIZED (
    SELECT least(greatest(interval_seconds, 1), 86400) AS interval_seconds,
           least(greatest(timeout_seconds, 0.1), 30, greatest(interval_seconds, 1)) AS timeout_seconds,
           greatest(failure_threshold, 1) AS failure_threshold, greatest(recovery_threshold, 2) AS recovery_threshold,
           greatest(reset_seconds, 1) AS reset_seconds,
           greatest(reset_limit_seconds, reset_seconds, 1) AS reset_limit_seconds
      FROM asked
), living AS (
    SELECT 'instance' AS kind, i.id, i.id AS mcp_instance_id, CAST(NULL AS text) AS service_type,
           CAST(NULL AS text) AS server_id, CAST(NULL AS text) AS host_id, CAST(NULL AS double precision) AS timeout_seconds
      FROM mcp_instances i WHERE i.status = 'running' AND i.deleted_at IS NULL
    UNION ALL
    -- Only somebody on the host can look at a process; without a prober there it would wait for ever.
    SELECT 'process', gen_random_uuid(), i.id, NULL, NULL, i.host_id, NULL
      FROM mcp_instances i
     WHERE i.status = 'running' AND i.deleted_at IS NULL AND i.process_id IS NOT NULL
       AND i.host_id IN (SELECT p.host_id FROM probers p WHERE p.seen_at > now() - interval '1 minute')
    UNION ALL
    SELECT 'service', gen_random_uuid(), NULL, r.service_type, NULL, NULL, NULL
      FROM service_registry r WHERE r.is_available
    UNION ALL
    SELECT 'server', gen_random_uuid(), NULL, NULL, s.id, NULL, least(s.timeout_ms / 1000.0, b.timeout_seconds)
      FROM gateway.mcp_servers s, bounds b
     WHERE s.status = 'active' AND s.deleted_at IS NULL AND s.transport_type IN ('http', 'streamable_http')
       AND coalesce(s.expires_at > now(), true)
)
INSERT INTO health_targets (kind, id, mcp_instance_id, service_type, server_id, host_id, interval_seconds,
                            timeout_seconds, jitter_seconds, failure_threshold, recovery_threshold, reset_seconds,
                            reset_limit_seconds, next_check_at)
SELECT l.kind, l.id, l.mcp_instance_id, l.service_type, l.server_id, l.host_id, b.interval_seconds,
       greatest(coalesce(l.timeout_seconds, b.timeout_seconds), 0.1), b.interval_seconds / 10.0,
       -- There is no doubt about a process that is gone.
       CASE l.kind WHEN 'process' THEN 1 ELSE b.failure_threshold END, b.recovery_threshold, b.reset_seconds,
       b.reset_limit_seconds, now() + random() * make_interval(secs => b.interval_seconds)
  FROM living l, bounds b
 WHERE NOT EXISTS (SELECT FROM health_targets t WHERE t.mcp_instance_id = l.mcp_instance_id AND t.kind = l.kind)
   AND NOT EXISTS (SELECT FROM health_targets t WHERE t.service_type = l.service_type)
   AND NOT EXISTS (SELECT FROM health_targets t WHERE t.server_id = l.server_id)
    ON CONFLICT DO NOTHING

-- Each prober has its share of the targets by their shard, so that it keeps meeting the same servers; what their own
-- prober leaves waiting anybody takes.  A claim holds as long as its prober gives signs of life, and never for longer
-- than a check can take.
WITH crew AS MATERIALIZED (
    SELECT id, host_id, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS size
      FROM probers WHERE seen_at > now() - make_interval(secs => CAST(:silence AS double precision))
), due AS MATERIALIZED (
    SELECT t.id FROM health_targets t, crew me
     WHERE me.id = CAST(:prober AS uuid)
       AND t.next_check_at <= now() + make_interval(secs => CAST(:ahead AS double precision))
       AND CASE t.kind WHEN 'process' THEN t.host_id = me.host_id
                ELSE t.shard % me.size = me.place
                     OR t.next_check_at < now() - make_interval(secs => CAST(:patience AS double precision)) END
       AND (t.claimed_by IS NULL OR t.claimed_by NOT IN (SELECT id FROM crew)
            OR t.claimed_at < now() - make_interval(secs => t.timeout_seconds + CAST(:grace AS double precision)))
     ORDER BY t.next_check_at LIMIT CAST(:limit AS integer) FOR UPDATE OF t SKIP LOCKED
), claimed AS (
    UPDATE health_targets t
       SET claimed_by = CAST(:prober AS uuid), claimed_at = now(),
           breaker = CASE t.breaker WHEN 'open' THEN 'half_open' ELSE t.breaker END
      FROM due WHERE t.id = due.id
    RETURNING t.*
)
SELECT c.id, c.kind, c.mcp_instance_id, c.service_type, c.server_id, c.next_check_at,
       CAST(extract(epoch FROM c.next_check_at - clock_timestamp()) AS double precision), c.timeout_seconds,
       CASE c.kind WHEN 'instance' THEN i.access_url || '/mcp'
                   WHEN 'service' THEN rtrim(coalesce(r.base_url, 'http://localhost:' || r.port), '/')
                                       || r.health_check_endpoint
                   WHEN 'server' THEN s.endpoint_url END,
       i.process_id, i.process_started_at, c.kind = 'instance' OR (c.kind = 'service' AND r.base_url IS NULL),
       coalesce(c.tool_count > 0, false),
       c.kind IN ('instance', 'server')
           AND (c.listed_at IS NULL OR c.verdict IN ('tools_missing', 'restarted')
                OR c.listed_at < now() - make_interval(mins => (SELECT (value #>> '{}')::integer FROM system_settings
                                                                 WHERE key = 'health.listing_minutes')))
  FROM claimed c
  LEFT JOIN mcp_instances i ON i.id = c.mcp_instance_id
  LEFT JOIN service_registry r ON r.service_type = c.service_type
  LEFT JOIN gateway.mcp_servers s ON s.id = c.server_id

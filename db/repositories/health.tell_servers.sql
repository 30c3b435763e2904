-- As long as the breaker has not turned, a failure more or less is no news: what gateways route by does not flap.
UPDATE gateway.mcp_servers s
   SET health_status = CASE WHEN s.health_status = 'MAINTENANCE' THEN 'MAINTENANCE'
                            WHEN t.breaker <> 'closed' THEN 'UNHEALTHY' WHEN t.verdict = 'degraded' THEN 'DEGRADED'
                            WHEN t.consecutive_failures = 0 THEN 'HEALTHY' ELSE s.health_status END,
       last_health_check = t.checked_at, avg_response_time = coalesce(met.response_ms, day.response_ms),
       success_rate = coalesce(met.success, day.uptime),
       health_metadata = jsonb_strip_nulls(jsonb_build_object(
           'verdict', t.verdict, 'error', t.error, 'era', t.era, 'consecutive_failures', t.consecutive_failures,
           'breaker', t.breaker, 'next_check_at', t.next_check_at))
  FROM health_targets t
 CROSS JOIN LATERAL (
       SELECT sum(d.total_ms) / nullif(sum(d.answers), 0) AS response_ms,
              100.0 * sum(d.alive) / nullif(sum(d.checks), 0) AS uptime
         FROM health_hours d WHERE d.target_id = t.id AND d.hour > now() - interval '24 hours'
 ) day
 CROSS JOIN LATERAL (
       SELECT sum(r.total_ms) / nullif(sum(r.measured), 0) AS response_ms,
              100.0 * (sum(r.entries) - sum(r.errors)) / nullif(sum(r.entries), 0) AS success
         FROM gateway.request_rollups r
        WHERE r.server_id = t.server_id AND r.unit = 'hour' AND r.starts_at > now() - interval '24 hours'
 ) met
 WHERE t.id = ANY (CAST(:ids AS uuid[])) AND s.id = t.server_id

-- As long as the breaker has not turned, a failure more or less is no news: what people look at does not flap.
UPDATE service_health_status h
   SET is_healthy = CASE WHEN t.breaker <> 'closed' THEN false WHEN t.consecutive_failures = 0 THEN true
                         ELSE h.is_healthy END,
       last_health_check = t.checked_at, response_time_ms = round(t.response_ms), error_message = t.error,
       consecutive_failures = t.consecutive_failures,
       uptime_percentage = coalesce((SELECT round(100.0 * sum(d.alive) / nullif(sum(d.checks), 0), 2)
                                       FROM health_hours d
                                      WHERE d.target_id = t.id AND d.hour > now() - interval '24 hours'), 100)
  FROM health_targets t
 WHERE t.id = ANY (CAST(:ids AS uuid[])) AND h.service_type = t.service_type

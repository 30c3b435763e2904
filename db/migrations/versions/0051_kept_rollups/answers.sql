CREATE OR REPLACE VIEW performance_monitoring WITH (security_invoker = true) AS
SELECT 'servers'::text AS component, count(*) AS total_count,
       count(*) FILTER (WHERE s.health_status = 'HEALTHY') AS healthy_count,
       count(*) FILTER (WHERE s.health_status = 'UNHEALTHY') AS unhealthy_count,
       round(avg(s.avg_response_time)::numeric, 2) AS avg_response_time,
       round(avg(s.success_rate)::numeric, 2) AS avg_success_rate
  FROM gateway.mcp_servers s
UNION ALL
SELECT 'recent_requests', r.total_requests, r.successful_requests, r.error_requests, r.avg_duration_ms,
       round(100.0 * r.successful_requests / nullif(r.total_requests, 0), 2)
  FROM get_request_performance_summary(1) r;

CREATE OR REPLACE FUNCTION get_request_performance_summary(p_hours integer DEFAULT 24)
RETURNS TABLE (total_requests bigint, successful_requests bigint, error_requests bigint, avg_duration_ms numeric,
               p95_duration_ms numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(*), count(*) FILTER (WHERE r.status_code < 400), count(*) FILTER (WHERE r.status_code >= 400),
           round(avg(r.duration_ms)::numeric, 2),
           round((percentile_cont(0.95) WITHIN GROUP (ORDER BY r.duration_ms))::numeric, 2)
      FROM gateway.request_logs r
     WHERE r.request_time > now() - make_interval(hours => p_hours)
$$;
CREATE OR REPLACE FUNCTION get_tenant_usage_summary(p_tenant_id text, p_hours integer DEFAULT 24)
RETURNS TABLE (total_requests bigint, unique_users bigint, avg_duration_ms numeric, error_rate numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(*), count(DISTINCT r.user_id), round(avg(r.duration_ms)::numeric, 2),
           coalesce(round(100.0 * count(*) FILTER (WHERE r.status_code >= 400) / nullif(count(*), 0), 2), 0)
      FROM gateway.request_logs r
     WHERE r.tenant_id = p_tenant_id AND r.request_time > now() - make_interval(hours => p_hours)
$$;

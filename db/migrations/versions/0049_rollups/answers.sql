-- Hours that are counted, lie whole in the span and have no mark are taken from the rollup, the time between from the rows.
CREATE FUNCTION counted_spans(p_table text, p_since timestamptz)
RETURNS TABLE (from_at timestamptz, to_at timestamptz, is_counted boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH counted AS (
        SELECT h.hour FROM public.rollup_hours h
         WHERE h.table_name = p_table AND h.hour > p_since
           AND NOT EXISTS (SELECT FROM public.rollup_marks m WHERE m.table_name = p_table AND m.hour = h.hour)
    ), between_them AS (
        SELECT p_since AS from_at, coalesce((SELECT min(hour) FROM counted), 'infinity') AS to_at
        UNION ALL
        SELECT hour + interval '1 hour', coalesce(lead(hour) OVER (ORDER BY hour), 'infinity') FROM counted
    )
    SELECT hour, hour + interval '1 hour', true FROM counted
    UNION ALL
    SELECT b.from_at, b.to_at, false FROM between_them b WHERE b.from_at < b.to_at
$$;
COMMENT ON FUNCTION counted_spans(text, timestamptz) IS
    'The time since then, in hours that are counted and in spans between them that are to be read row by row';

CREATE OR REPLACE FUNCTION get_request_performance_summary(p_hours integer DEFAULT 24)
RETURNS TABLE (total_requests bigint, successful_requests bigint, error_requests bigint, avg_duration_ms numeric,
               p95_duration_ms numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH since AS (
        SELECT now() - make_interval(hours => p_hours) AS at
    ), spans AS MATERIALIZED (
        SELECT s.* FROM since CROSS JOIN LATERAL public.counted_spans('gateway.request_logs', since.at) s
    ), counted AS MATERIALIZED (
        SELECT r.entries, r.succeeded, r.errors, r.measured, r.total_ms, r.durations_ms
          FROM spans s JOIN gateway.request_rollups r ON s.is_counted AND r.unit = 'hour' AND r.starts_at = s.from_at
    ), present AS MATERIALIZED (
        SELECT r.status_code, r.duration_ms
          FROM since CROSS JOIN spans s
         CROSS JOIN LATERAL (
               SELECT l.status_code, l.duration_ms FROM gateway.request_logs l
                WHERE l.request_time >= s.from_at AND l.request_time < s.to_at AND l.request_time > since.at
         ) r
         WHERE NOT s.is_counted
    ), sums AS (
        SELECT sum(entries) AS entries, sum(succeeded) AS succeeded, sum(errors) AS errors, sum(measured) AS measured,
               sum(total_ms) AS total_ms FROM counted
        UNION ALL
        SELECT count(*), count(*) FILTER (WHERE status_code < 400), count(*) FILTER (WHERE status_code >= 400),
               count(duration_ms), sum(duration_ms) FROM present
    ), durations AS (
        SELECT unnest(durations_ms) AS ms FROM counted UNION ALL SELECT duration_ms FROM present
    )
    SELECT coalesce(sum(entries), 0)::bigint, coalesce(sum(succeeded), 0)::bigint, coalesce(sum(errors), 0)::bigint,
           round((sum(total_ms) / nullif(sum(measured), 0))::numeric, 2),
           (SELECT round((percentile_cont(0.95) WITHIN GROUP (ORDER BY ms))::numeric, 2) FROM durations)
      FROM sums
$$;

CREATE OR REPLACE FUNCTION get_tenant_usage_summary(p_tenant_id text, p_hours integer DEFAULT 24)
RETURNS TABLE (total_requests bigint, unique_users bigint, avg_duration_ms numeric, error_rate numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH since AS (
        SELECT now() - make_interval(hours => p_hours) AS at
    ), spans AS MATERIALIZED (
        SELECT s.* FROM since CROSS JOIN LATERAL public.counted_spans('gateway.request_logs', since.at) s
    ), present AS MATERIALIZED (
        SELECT r.user_id, r.status_code, r.duration_ms
          FROM since CROSS JOIN spans s
         CROSS JOIN LATERAL (
               SELECT l.user_id, l.status_code, l.duration_ms FROM gateway.request_logs l
                WHERE l.tenant_id = p_tenant_id
                  AND l.request_time >= s.from_at AND l.request_time < s.to_at AND l.request_time > since.at
         ) r
         WHERE NOT s.is_counted
    ), sums AS (
        SELECT sum(r.entries) AS entries, sum(r.errors) AS errors, sum(r.measured) AS measured, sum(r.total_ms) AS total_ms
          FROM spans s JOIN gateway.request_rollups r ON s.is_counted AND r.unit = 'hour' AND r.starts_at = s.from_at
         WHERE r.tenant_id = nullif(p_tenant_id, '')
        UNION ALL
        SELECT count(*), count(*) FILTER (WHERE status_code >= 400), count(duration_ms), sum(duration_ms) FROM present
    ), users AS (
        SELECT u.user_id FROM spans s JOIN gateway.request_users u ON s.is_counted AND u.hour = s.from_at
         WHERE u.tenant_id = nullif(p_tenant_id, '')
        UNION ALL
        SELECT user_id FROM present
    )
    SELECT coalesce(sum(entries), 0)::bigint, (SELECT count(DISTINCT user_id) FROM users),
           round((sum(total_ms) / nullif(sum(measured), 0))::numeric, 2),
           coalesce(round(100.0 * sum(errors) / nullif(sum(entries), 0), 2), 0)
      FROM sums
$$;
REVOKE EXECUTE ON FUNCTION counted_spans(text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION counted_spans(text, timestamptz) TO mcp_worker, mcp_producer, mcp_reader;

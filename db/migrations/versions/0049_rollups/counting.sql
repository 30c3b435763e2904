-- A mark is a row of its own, so that batches of one hour do not wait for each other.
CREATE FUNCTION maintenance.mark_hours() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('INSERT INTO public.rollup_marks (table_name, hour)'
        || ' SELECT DISTINCT %L, date_trunc(''hour'', e.%I, ''UTC'') FROM entered e',
        TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME, TG_ARGV[0]);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION maintenance.mark_hours() IS 'Marks the hours that rows came into, to be counted anew';

-- The days of these hours, from their hours: nobody reads the rows of a day twice.
CREATE FUNCTION maintenance.count_days(p_rollups regclass, p_keys text, p_hours timestamptz[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    names text := CASE p_rollups WHEN 'gateway.metric_rollups'::regclass THEN ', error_rates, error_rate'
                                 WHEN 'gateway.request_rollups'::regclass THEN ', succeeded' ELSE '' END;
    sums  text := CASE p_rollups WHEN 'gateway.metric_rollups'::regclass
        THEN ', sum(r.error_rates), sum(r.error_rate * r.error_rates) / nullif(sum(r.error_rates), 0)'
        WHEN 'gateway.request_rollups'::regclass THEN ', sum(r.succeeded)' ELSE '' END;
    days  timestamptz[] := ARRAY(SELECT DISTINCT date_trunc('day', hour) FROM unnest(p_hours) AS hour);
BEGIN
    EXECUTE format('DELETE FROM %s WHERE unit = ''day'' AND starts_at = ANY ($1)', p_rollups) USING days;
    EXECUTE format(
        'INSERT INTO %1$s (unit, starts_at, %2$s, entries, errors, measured, total_ms%3$s, p50_ms, p95_ms, p99_ms)
         SELECT ''day'', r.*, p.p[1], p.p[2], p.p[3]
           FROM (SELECT d.day, %2$s, sum(r.entries), sum(r.errors), sum(r.measured), sum(r.total_ms)%4$s
                   FROM unnest($1) AS d (day)
                   JOIN %1$s r ON r.unit = ''hour'' AND r.starts_at >= d.day AND r.starts_at < d.day + interval ''1 day''
                  GROUP BY d.day, %2$s) r
          CROSS JOIN LATERAL (
                SELECT percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY ms) AS p
                  FROM %1$s s CROSS JOIN unnest(s.durations_ms) AS ms
                 WHERE s.unit = ''hour'' AND s.starts_at >= r.day AND s.starts_at < r.day + interval ''1 day'' AND %5$s
          ) p',
        p_rollups, p_keys, names, sums,
        (SELECT string_agg(format('s.%1$s = r.%1$s', trim(key)), ' AND ') FROM unnest(string_to_array(p_keys, ',')) AS key))
      USING days;
END $$;
COMMENT ON FUNCTION maintenance.count_days(regclass, text, timestamptz[]) IS 'Counts the days of some hours anew, from their hours';

CREATE FUNCTION maintenance.count_requests(p_hours timestamptz[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM gateway.request_rollups WHERE unit = 'hour' AND starts_at = ANY (p_hours);
    DELETE FROM gateway.request_users WHERE hour = ANY (p_hours);
    INSERT INTO gateway.request_rollups (unit, starts_at, tenant_id, server_id, entries, errors, succeeded, measured, total_ms,
                                         p50_ms, p95_ms, p99_ms, durations_ms)
    SELECT 'hour', g.hour, g.tenant_id, g.server_id, g.entries, g.errors, g.succeeded, g.measured, g.total_ms, g.p[1],
           g.p[2], g.p[3], g.durations_ms
      FROM (SELECT h.hour, coalesce(r.tenant_id, '') AS tenant_id, coalesce(r.target_server_id, '') AS server_id,
                   count(*) AS entries, count(*) FILTER (WHERE r.status_code >= 400) AS errors,
                   count(*) FILTER (WHERE r.status_code < 400) AS succeeded,
                   count(r.duration_ms) AS measured, coalesce(sum(r.duration_ms), 0) AS total_ms,
                   percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY r.duration_ms) AS p,
                   array_agg(r.duration_ms ORDER BY r.duration_ms) FILTER (WHERE r.duration_ms IS NOT NULL) AS durations_ms
              FROM unnest(p_hours) AS h (hour)
              JOIN gateway.request_logs r
                ON r.request_time >= h.hour AND r.request_time < h.hour + interval '1 hour'
             GROUP BY 1, 2, 3) g;
    INSERT INTO gateway.request_users (hour, tenant_id, user_id)
    SELECT DISTINCT h.hour, r.tenant_id, r.user_id
      FROM unnest(p_hours) AS h (hour)
      JOIN gateway.request_logs r ON r.request_time >= h.hour AND r.request_time < h.hour + interval '1 hour'
     WHERE r.tenant_id IS NOT NULL AND r.user_id IS NOT NULL;
    PERFORM maintenance.count_days('gateway.request_rollups', 'tenant_id, server_id', p_hours);
    -- What gateways route by is what callers met in the last day.
    UPDATE gateway.mcp_servers s SET avg_response_time = met.response_ms, success_rate = met.success
      FROM (SELECT r.server_id, sum(r.total_ms) / nullif(sum(r.measured), 0) AS response_ms,
                   100.0 * (sum(r.entries) - sum(r.errors)) / sum(r.entries) AS success
              FROM gateway.request_rollups r
             WHERE r.unit = 'hour' AND r.starts_at > now() - interval '24 hours'
             GROUP BY r.server_id) met
     WHERE s.id = met.server_id
       AND (s.avg_response_time, s.success_rate) IS DISTINCT FROM (met.response_ms, met.success::double precision);
END $$;
COMMENT ON FUNCTION maintenance.count_requests(timestamptz[]) IS
    'Counts the requests of some hours anew, and lets servers say how they answered in the last day';

CREATE FUNCTION maintenance.count_uses(p_hours timestamptz[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM public.service_usage_rollups WHERE unit = 'hour' AND starts_at = ANY (p_hours);
    INSERT INTO public.service_usage_rollups (unit, starts_at, service_type, entries, errors, measured, total_ms,
                                              p50_ms, p95_ms, p99_ms, durations_ms)
    SELECT 'hour', g.hour, g.service_type, g.entries, g.errors, g.measured, g.total_ms, g.p[1], g.p[2], g.p[3],
           g.durations_ms
      FROM (SELECT h.hour, u.service_type, count(*) AS entries, count(*) FILTER (WHERE u.status_code >= 400) AS errors,
                   count(u.response_time_ms) AS measured, coalesce(sum(u.response_time_ms), 0) AS total_ms,
                   percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY u.response_time_ms) AS p,
                   array_agg(u.response_time_ms::double precision ORDER BY u.response_time_ms)
                       FILTER (WHERE u.response_time_ms IS NOT NULL) AS durations_ms
              FROM unnest(p_hours) AS h (hour)
              JOIN public.service_usage_analytics u
                ON u.timestamp >= h.hour AND u.timestamp < h.hour + interval '1 hour'
             GROUP BY 1, 2) g;
    PERFORM maintenance.count_days('public.service_usage_rollups', 'service_type', p_hours);
END $$;
COMMENT ON FUNCTION maintenance.count_uses(timestamptz[]) IS 'Counts the calls of shared services of some hours anew';

CREATE FUNCTION maintenance.count_samples(p_hours timestamptz[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM gateway.metric_rollups WHERE unit = 'hour' AND starts_at = ANY (p_hours);
    INSERT INTO gateway.metric_rollups (unit, starts_at, server_id, entries, errors, measured, total_ms, p50_ms, p95_ms,
                                        p99_ms, durations_ms, error_rates, error_rate)
    SELECT 'hour', g.hour, g.server_id, g.entries, g.errors, g.measured, g.total_ms, g.p[1], g.p[2], g.p[3],
           g.durations_ms, g.error_rates, g.error_rate
      FROM (SELECT h.hour, m.server_id, count(*) AS entries, count(*) FILTER (WHERE m.error_rate > 0) AS errors,
                   count(m.response_time_ms) AS measured, coalesce(sum(m.response_time_ms), 0) AS total_ms,
                   percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY m.response_time_ms) AS p,
                   array_agg(m.response_time_ms ORDER BY m.response_time_ms)
                       FILTER (WHERE m.response_time_ms IS NOT NULL) AS durations_ms,
                   count(m.error_rate) AS error_rates, avg(m.error_rate) AS error_rate
              FROM unnest(p_hours) AS h (hour)
              JOIN gateway.server_metrics m ON m.timestamp >= h.hour AND m.timestamp < h.hour + interval '1 hour'
             GROUP BY 1, 2) g;
    PERFORM maintenance.count_days('gateway.metric_rollups', 'server_id', p_hours);
END $$;
COMMENT ON FUNCTION maintenance.count_samples(timestamptz[]) IS 'Counts the samples of servers of some hours anew';

CREATE FUNCTION maintenance.roll_up(p_table text, p_most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    marked timestamptz[];
    hours  timestamptz[];
    kept_from timestamptz := (SELECT coalesce(max(d.range_to), '-infinity') FROM maintenance.detached_partitions d
                               WHERE d.parent = p_table);
BEGIN
    -- Two that count one hour would count it twice.
    PERFORM pg_advisory_xact_lock(hashtextextended('minimcp.roll_up.' || p_table, 0));
    -- The marks go before the rows are read: whoever comes in between leaves a mark of its own.
    WITH next AS (
        SELECT DISTINCT m.hour FROM public.rollup_marks m WHERE m.table_name = p_table ORDER BY m.hour LIMIT p_most
    ), gone AS (
        DELETE FROM public.rollup_marks m USING next WHERE m.table_name = p_table AND m.hour = next.hour
        RETURNING m.hour
    )
    SELECT coalesce(array_agg(DISTINCT g.hour), '{}') INTO marked FROM gone g;
    -- Of an hour that retention has taken only what came later is left.
    hours := ARRAY(SELECT h FROM unnest(marked) AS h WHERE h >= kept_from ORDER BY h);
    IF hours <> '{}' THEN
        CASE p_table
            WHEN 'gateway.request_logs' THEN PERFORM maintenance.count_requests(hours);
            WHEN 'public.service_usage_analytics' THEN PERFORM maintenance.count_uses(hours);
            WHEN 'gateway.server_metrics' THEN PERFORM maintenance.count_samples(hours);
        END CASE;
        INSERT INTO public.rollup_hours (table_name, hour) SELECT p_table, h FROM unnest(hours) AS h
            ON CONFLICT (table_name, hour) DO UPDATE SET counted_at = now();
    END IF;
    RETURN cardinality(marked);
END $$;
COMMENT ON FUNCTION maintenance.roll_up(text, integer) IS
    'Counts so many hours of a table anew that rows came into; how many they were';

REVOKE EXECUTE ON FUNCTION maintenance.mark_hours(), maintenance.count_days(regclass, text, timestamptz[]),
    maintenance.count_requests(timestamptz[]), maintenance.count_uses(timestamptz[]),
    maintenance.count_samples(timestamptz[]), maintenance.roll_up(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION maintenance.roll_up(text, integer) TO mcp_worker;

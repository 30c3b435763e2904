CREATE OR REPLACE FUNCTION maintenance.roll_up(p_table text, p_most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    marked timestamptz[];
    hours  timestamptz[];
BEGIN
    -- Two that count one hour would count it twice; who comes second leaves it to the first.
    IF NOT pg_try_advisory_xact_lock(hashtextextended('minimcp.roll_up.' || p_table, 0)) THEN
        RETURN 0;
    END IF;
    -- Nobody takes a partition away between the look at what is retired and the count.
    EXECUTE format('LOCK TABLE ONLY %s IN ACCESS SHARE MODE', p_table::regclass);
    -- The marks go before the rows are read: whoever comes in between leaves a mark of its own.
    WITH next AS (
        SELECT DISTINCT m.hour FROM public.rollup_marks m WHERE m.table_name = p_table ORDER BY m.hour LIMIT p_most
    ), gone AS (
        DELETE FROM public.rollup_marks m USING next WHERE m.table_name = p_table AND m.hour = next.hour
        RETURNING m.hour
    )
    SELECT coalesce(array_agg(DISTINCT g.hour), '{}') INTO marked FROM gone g;
    -- Of an hour that retention has taken only what came later is left; an archive that is back has all of its own.
    -- The hours of an old day may have gone by their policy, and without them it would be counted short.
    hours := ARRAY(
        WITH present AS (
            SELECT m.hour FROM unnest(marked) AS m (hour)
             WHERE NOT EXISTS (SELECT FROM maintenance.retired_ranges r
                                WHERE r.table_name = p_table AND m.hour >= r.range_from AND m.hour < r.range_to)
               -- Nor is anything left of what somebody took away by hand.
               AND EXISTS (SELECT FROM maintenance.partition_catalog c
                            WHERE c.schema_name || '.' || c.table_name = p_table AND NOT c.detach_pending
                              AND m.hour >= c.range_from AND m.hour < c.range_to)
        )
        SELECT hour FROM present
         UNION
        SELECT day.hour
          FROM present
         CROSS JOIN LATERAL (SELECT date_trunc('day', present.hour, 'UTC') + n * interval '1 hour' AS hour
                               FROM generate_series(0, 23) AS n) day
         WHERE present.hour < maintenance.clock() - interval '31 days'
           AND NOT EXISTS (SELECT FROM public.rollup_hours k WHERE k.table_name = p_table AND k.hour = day.hour)
         ORDER BY 1);
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

-- Who is forgotten while an hour is counted must not be counted by name for ever.
CREATE FUNCTION maintenance.mark_forgotten() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    hour timestamptz := date_trunc('hour', new.request_time, 'UTC');
BEGIN
    -- A mark of another transaction may be taken before this one is committed; one of its own is enough.
    IF current_setting('minimcp.forgotten_in', true) IS DISTINCT FROM hour::text THEN
        INSERT INTO public.rollup_marks (table_name, hour) VALUES ('gateway.request_logs', hour);
        PERFORM set_config('minimcp.forgotten_in', hour::text, true);
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION maintenance.mark_forgotten() IS
    'Marks the hours of requests that a user was taken out of, to be counted anew without the user';
REVOKE EXECUTE ON FUNCTION maintenance.mark_forgotten() FROM PUBLIC;
CREATE TRIGGER request_logs_forgotten AFTER UPDATE OF user_id ON gateway.request_logs
    FOR EACH ROW WHEN (old.user_id IS NOT NULL AND new.user_id IS NULL)
    EXECUTE FUNCTION maintenance.mark_forgotten();

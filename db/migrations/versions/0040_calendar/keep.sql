CREATE FUNCTION maintenance.keep_calendar() RETURNS TABLE (partition_name text, problem text, is_busy boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '2s' AS $$
DECLARE
    began   timestamptz := clock_timestamp();
    missing record;
    busy    text[] := '{}';
BEGIN
    FOR missing IN SELECT m.*, format('%I.%I', m.schema_name, m.table_name) AS parent
                     FROM maintenance.missing_partitions() m LOOP
        CONTINUE WHEN missing.parent = ANY (busy);
        -- What was made keeps its locks until the end: others shall not wait for all of a long list.
        IF clock_timestamp() > began + interval '10 seconds' THEN
            RETURN QUERY SELECT NULL, 'There was no time for all of it: the next tick goes on.', true;
            EXIT;
        END IF;
        problem := NULL;
        is_busy := false;
        BEGIN
            partition_name := maintenance.create_partition(missing.schema_name, missing.table_name, missing.missing_from);
            CONTINUE WHEN partition_name IS NULL;
        EXCEPTION WHEN query_canceled OR OTHERS THEN
            -- Whatever is wrong with one table, the others get their partitions.
            partition_name := NULL;
            is_busy := SQLSTATE IN ('55P03', '40P01', '40001', '57014');
            busy := busy || missing.parent;
            problem := format('%s from %s on: %s (%s)', missing.parent, missing.missing_from, SQLERRM, SQLSTATE);
        END;
        RETURN NEXT;
    END LOOP;
    RETURN QUERY
    SELECT NULL, format('%I.%I has a retention policy and is no partitioned table: set is_active of the policy to false.',
                        d.schema_name, d.table_name), false
      FROM maintenance.data_retention_policies d
     WHERE d.is_active AND NOT EXISTS (
           SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = d.schema_name AND c.relname = d.table_name AND c.relkind = 'p');
END $$;
COMMENT ON FUNCTION maintenance.keep_calendar() IS
    'Makes what is missing of the calendar; a row for each partition that was made, or could not be, now or at all';

CREATE OR REPLACE FUNCTION maintenance.ensure_partitions() RETURNS text[]
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(array_agg(k.partition_name) FILTER (WHERE k.problem IS NULL), '{}')
      FROM maintenance.keep_calendar() k
$$;
COMMENT ON FUNCTION maintenance.ensure_partitions() IS
    'Makes what is missing of the calendar of every managed table and returns the names';
REVOKE EXECUTE ON FUNCTION maintenance.keep_calendar() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION maintenance.keep_calendar() TO mcp_worker;

CREATE FUNCTION maintenance.keep_calendar() RETURNS TABLE (partition_name text, problem text, is_busy boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '2s' AS $$
DECLARE
    missing record;
BEGIN
    FOR missing IN SELECT * FROM maintenance.missing_partitions() LOOP
        problem := NULL;
        is_busy := false;
        BEGIN
            partition_name := maintenance.create_partition(missing.schema_name, missing.table_name, missing.missing_from);
            CONTINUE WHEN partition_name IS NULL;
        EXCEPTION WHEN OTHERS THEN
            -- Whatever is wrong with one table, the others get their partitions.
            partition_name := NULL;
            is_busy := SQLSTATE = '55P03';
            problem := format('%I.%I from %s on: %s (%s)', missing.schema_name, missing.table_name,
                              missing.missing_from, SQLERRM, SQLSTATE);
        END;
        RETURN NEXT;
    END LOOP;
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

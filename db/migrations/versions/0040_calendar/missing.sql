CREATE FUNCTION maintenance.missing_partitions()
RETURNS TABLE (schema_name varchar, table_name varchar, missing_from timestamptz, is_gap boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
    WITH there AS MATERIALIZED (
        SELECT c.schema_name, c.table_name, c.range_from, c.range_to
          FROM maintenance.partition_catalog c WHERE NOT c.detach_pending
    ), policy AS (
        SELECT d.*, ('1 ' || d.partition_unit)::interval AS unit,
               date_trunc(d.partition_unit, maintenance.clock()) AS present,
               date_trunc(d.partition_unit, maintenance.clock() - make_interval(days => d.retention_days)) AS oldest,
               (SELECT min(t.range_from) FROM there t
                 WHERE (t.schema_name, t.table_name) = (d.schema_name, d.table_name)) AS covered_from,
               (SELECT max(t.range_to) FROM there t
                 WHERE (t.schema_name, t.table_name) = (d.schema_name, d.table_name)) AS covered_to
          FROM maintenance.data_retention_policies d
          JOIN pg_namespace n ON n.nspname = d.schema_name
          JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = d.table_name AND c.relkind = 'p'
         WHERE d.is_active
    ), span AS (
        -- Counted from the clock, never from the newest row: one row from the far future must not stop the calendar.
        SELECT p.*, greatest(p.oldest, least(p.present - p.unit, date_trunc(p.partition_unit, p.covered_from))) AS first,
               p.present + (p.units_ahead + 1) * p.unit AS past_last
          FROM policy p
    ), point AS (
        SELECT s.schema_name, s.table_name, s.partition_unit, s.unit, s.retention_days, s.covered_from, s.covered_to,
               starts AS missing_from
          FROM span s CROSS JOIN LATERAL generate_series(s.first, s.past_last - s.unit, s.unit) AS starts
        UNION
        SELECT s.schema_name, s.table_name, s.partition_unit, s.unit, s.retention_days, s.covered_from, s.covered_to,
               t.range_to
          FROM span s JOIN there t USING (schema_name, table_name)
         WHERE t.range_to >= s.first AND t.range_to < s.past_last
    )
    SELECT p.schema_name, p.table_name, p.missing_from, p.missing_from BETWEEN p.covered_from AND p.covered_to - '1 us'::interval
      FROM point p
     WHERE NOT EXISTS (
           SELECT FROM there t WHERE (t.schema_name, t.table_name) = (p.schema_name, p.table_name)
              AND t.range_from <= p.missing_from AND p.missing_from < t.range_to)
       -- What its neighbours leave of a unit may be too old even where the unit is not.
       AND least(date_trunc(p.partition_unit, p.missing_from) + p.unit, (
               SELECT min(t.range_from) FROM there t WHERE (t.schema_name, t.table_name) = (p.schema_name, p.table_name)
                  AND t.range_from > p.missing_from)) > maintenance.clock() - make_interval(days => p.retention_days)
     ORDER BY 1, 2, 3
$$;
COMMENT ON FUNCTION maintenance.missing_partitions() IS
    'The moments from which on a managed table has no partition though it should; a gap has partitions on both sides';
REVOKE EXECUTE ON FUNCTION maintenance.missing_partitions() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION maintenance.missing_partitions() TO mcp_worker, mcp_reader;

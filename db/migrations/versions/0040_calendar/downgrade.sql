CREATE OR REPLACE VIEW maintenance.partition_health AS
SELECT d.schema_name, d.table_name, d.retention_days, count(c.relid) AS partitions,
       min(c.range_from) AS covered_from, max(c.range_to) AS covered_to, max(c.range_to) - now() AS horizon,
       count(*) FILTER (WHERE c.follows <> c.range_from) AS gaps,
       count(*) FILTER (WHERE c.detach_pending) AS detach_pending,
       count(*) FILTER (WHERE c.range_to <= now() - make_interval(days => d.retention_days)) AS expired,
       coalesce(sum(c.estimated_rows), 0)::bigint AS estimated_rows,
       coalesce(sum(c.total_bytes), 0)::bigint AS total_bytes
  FROM maintenance.data_retention_policies d
  LEFT JOIN (
       SELECT *, lag(range_to) OVER (PARTITION BY schema_name, table_name ORDER BY range_from) AS follows
         FROM maintenance.partition_catalog
  ) c USING (schema_name, table_name)
 GROUP BY d.schema_name, d.table_name;

CREATE OR REPLACE FUNCTION maintenance.create_partition(p_schema text, p_table text, p_at timestamptz) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '2s' AS $$
DECLARE
    policy maintenance.data_retention_policies;
    parent text := format('%I.%I', p_schema, p_table);
    unit   interval;
    starts timestamptz;
    ends   timestamptz;
    child  text;
    bounds text[];
BEGIN
    SELECT * INTO policy FROM maintenance.data_retention_policies d
     WHERE d.schema_name = p_schema AND d.table_name = p_table;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'table % has no retention policy', parent USING ERRCODE = 'insufficient_privilege';
    END IF;

    unit   := ('1 ' || policy.partition_unit)::interval;
    starts := date_trunc(policy.partition_unit, p_at);
    ends   := starts + unit;
    -- A wild timestamp in a message must not make partitions without end.
    IF ends <= now() - make_interval(days => policy.retention_days)
       OR starts > now() + (policy.units_ahead + 1) * unit THEN
        RAISE EXCEPTION 'time % is outside the window in which % is kept', p_at, parent
            USING ERRCODE = 'datetime_field_overflow';
    END IF;

    PERFORM pg_advisory_xact_lock(hashtextextended('minimcp.partitions:' || parent, 0));
    IF EXISTS (SELECT FROM maintenance.partition_catalog c
                WHERE c.schema_name = p_schema AND c.table_name = p_table
                  AND c.range_from <= p_at AND p_at < c.range_to) THEN
        RETURN NULL;
    END IF;

    child := p_table || CASE policy.partition_unit
        WHEN 'month' THEN to_char(starts, '"_y"YYYY"m"MM')
        WHEN 'week'  THEN to_char(starts, '"_y"IYYY"w"IW')
        ELSE to_char(starts, '"_y"YYYY"m"MM"d"DD')
    END;
    bounds := CASE policy.partition_key
        WHEN 'uuid7' THEN ARRAY[maintenance.uuid7_floor(starts)::text, maintenance.uuid7_floor(ends)::text]
        ELSE ARRAY[starts::text, ends::text]
    END;
    -- ATTACH lets readers and writers of the parent go on; CREATE ... PARTITION OF would stop them.
    EXECUTE format('CREATE TABLE partitions.%I (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED'
                   ' INCLUDING STORAGE INCLUDING COMPRESSION)', child, parent);
    EXECUTE format('ALTER TABLE partitions.%I ENABLE ROW LEVEL SECURITY', child);
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION partitions.%I FOR VALUES FROM (%L) TO (%L)',
                   parent, child, bounds[1], bounds[2]);
    RETURN child;
END $$;

CREATE OR REPLACE FUNCTION maintenance.ensure_partitions() RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '2s' AS $$
DECLARE
    policy maintenance.data_retention_policies;
    unit   interval;
    starts timestamptz;
    child  text;
    made   text[] := '{}';
BEGIN
    FOR policy IN
        SELECT * FROM maintenance.data_retention_policies d WHERE d.is_active ORDER BY d.schema_name, d.table_name
    LOOP
        unit := ('1 ' || policy.partition_unit)::interval;
        -- Counted from the clock, never from the newest row: one row from the far future must not stop the calendar.
        FOR step IN -1..policy.units_ahead LOOP
            starts := date_trunc(policy.partition_unit, now()) + step * unit;
            CONTINUE WHEN starts + unit <= now() - make_interval(days => policy.retention_days);
            child := maintenance.create_partition(policy.schema_name, policy.table_name, starts);
            IF child IS NOT NULL THEN
                made := made || child;
            END IF;
        END LOOP;
    END LOOP;
    RETURN made;
END $$;
COMMENT ON FUNCTION maintenance.ensure_partitions() IS
    'Makes what is missing of the last, the current and the coming partitions of every managed table';

CREATE OR REPLACE FUNCTION maintenance.detach_expired() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '2s' AS $$
DECLARE
    oldest record;
    parent text;
    child  text;
BEGIN
    FOR oldest IN
        SELECT DISTINCT ON (d.schema_name, d.table_name) d.schema_name, d.table_name, d.strategy, d.grace_days,
               c.relid, c.partition_name, c.range_from, c.range_to
          FROM maintenance.data_retention_policies d
          JOIN maintenance.partition_catalog c USING (schema_name, table_name)
         WHERE d.is_active AND NOT c.detach_pending AND c.range_to <= now() - make_interval(days => d.retention_days)
         ORDER BY d.schema_name, d.table_name, c.range_from
    LOOP
        parent := format('%I.%I', oldest.schema_name, oldest.table_name);
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtextextended('minimcp.partitions:' || parent, 0));
            -- Parent before child, as queries do it; the other order can deadlock with a reader.
            EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', parent);
            CONTINUE WHEN NOT EXISTS (SELECT FROM maintenance.partition_catalog c WHERE c.relid = oldest.relid);
            EXECUTE format('ALTER TABLE %s DETACH PARTITION partitions.%I', parent, oldest.partition_name);
            child := oldest.partition_name;
            IF to_regclass(format('archive.%I', child)) IS NOT NULL THEN
                child := oldest.partition_name || '_' || oldest.relid;
                EXECUTE format('ALTER TABLE partitions.%I RENAME TO %I', oldest.partition_name, child);
            END IF;
            EXECUTE format('ALTER TABLE partitions.%I SET SCHEMA archive', child);
            EXECUTE format('ALTER TABLE archive.%I DISABLE ROW LEVEL SECURITY', child);
            EXECUTE format('GRANT SELECT ON archive.%I TO mcp_worker', child);
            INSERT INTO maintenance.detached_partitions
                   (relation, relid, parent, range_from, range_to, needs_archive, drop_after)
            VALUES (format('archive.%I', child), oldest.relid, parent, oldest.range_from, oldest.range_to,
                    oldest.strategy = 'detach_archive', now() + make_interval(days => oldest.grace_days));
            RETURN format('archive.%I', child);
        EXCEPTION WHEN lock_not_available THEN
            -- A long reader, pg_dump for example, keeps this table busy: its turn comes with the next run.
            NULL;
        END;
    END LOOP;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION maintenance.drop_detached() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    due    record;
    intact boolean;
BEGIN
    FOR due IN
        SELECT d.relation, d.relid, d.detached_at FROM maintenance.detached_partitions d
         WHERE d.dropped_at IS NULL AND d.drop_after <= now()
           AND (d.archived_rows IS NOT NULL OR NOT d.needs_archive AND NOT EXISTS (
                SELECT FROM maintenance.data_retention_policies p
                 WHERE format('%I.%I', p.schema_name, p.table_name) = d.parent AND p.strategy = 'detach_archive'))
         ORDER BY d.drop_after, d.relation FOR UPDATE SKIP LOCKED
    LOOP
        BEGIN
            -- Only the very relation that was detached: not a namesake, and not one that was attached again.
            SELECT count(*) = 1 INTO intact FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.oid = due.relid AND c.oid = to_regclass(due.relation)
               AND n.nspname = 'archive' AND NOT c.relispartition;
            IF intact THEN
                EXECUTE format('DROP TABLE %s', due.relid::regclass);
            END IF;
            UPDATE maintenance.detached_partitions d SET dropped_at = now()
             WHERE d.relid = due.relid AND d.detached_at = due.detached_at;
            IF intact THEN
                RETURN due.relation;
            END IF;
        EXCEPTION WHEN lock_not_available THEN
            NULL;
        END;
    END LOOP;
    RETURN NULL;
END $$;

ALTER TABLE maintenance.detached_partitions DROP COLUMN total_bytes, DROP COLUMN estimated_rows;
DROP FUNCTION maintenance.keep_calendar();
DROP FUNCTION maintenance.new_partition_name(text, text, timestamptz, boolean);
DROP FUNCTION maintenance.missing_partitions();
DROP FUNCTION maintenance.clock();

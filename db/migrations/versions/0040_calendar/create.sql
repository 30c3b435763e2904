CREATE FUNCTION maintenance.new_partition_name(p_table text, p_unit text, p_from timestamptz, p_is_whole boolean)
RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    name text := p_table || to_char(p_from, CASE
        WHEN NOT p_is_whole   THEN '"_y"YYYY"m"MM"d"DD'
        WHEN p_unit = 'month' THEN '"_y"YYYY"m"MM'
        WHEN p_unit = 'week'  THEN '"_y"IYYY"w"IW'
        ELSE '"_y"YYYY"m"MM"d"DD'
    END);
    free text := name;
BEGIN
    -- A partition that somebody detached by hand has the name still, and keeps it.
    FOR i IN 2..100 LOOP
        EXIT WHEN to_regclass(format('partitions.%I', free)) IS NULL;
        free := name || '_' || i;
    END LOOP;
    RETURN free;
END $$;
COMMENT ON FUNCTION maintenance.new_partition_name(text, text, timestamptz, boolean) IS
    'What a partition that begins then is called: by its unit, or by the day if it is only a part of one';
REVOKE EXECUTE ON FUNCTION maintenance.new_partition_name(text, text, timestamptz, boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION maintenance.create_partition(p_schema text, p_table text, p_at timestamptz) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '2s' AS $$
DECLARE
    policy  maintenance.data_retention_policies;
    parent  text := format('%I.%I', p_schema, p_table);
    unit    interval;
    starts  timestamptz;
    ends    timestamptz;
    room    record;
    holder  record;
    child   text;
    bounds  text[];
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
    IF ends <= maintenance.clock() - make_interval(days => policy.retention_days)
       OR starts > maintenance.clock() + (policy.units_ahead + 1) * unit THEN
        RAISE EXCEPTION 'time % is outside the window in which % is kept', p_at, parent
            USING ERRCODE = 'datetime_field_overflow';
    END IF;

    PERFORM pg_advisory_xact_lock(hashtextextended('minimcp.partitions:' || parent, 0));
    SELECT c.partition_name, c.detach_pending INTO holder FROM maintenance.partition_catalog c
     WHERE c.schema_name = p_schema AND c.table_name = p_table AND c.range_from <= p_at AND p_at < c.range_to;
    IF FOUND AND NOT holder.detach_pending THEN
        RETURN NULL;
    END IF;
    IF holder.detach_pending THEN
        -- Takes no row any more and lets nothing take its place: what somebody began is finished.
        EXECUTE format('ALTER TABLE %s DETACH PARTITION partitions.%I FINALIZE', parent, holder.partition_name);
    END IF;

    SELECT max(c.range_to) FILTER (WHERE c.range_to <= p_at) AS low,
           min(c.range_from) FILTER (WHERE c.range_from > p_at) AS high INTO room
      FROM maintenance.partition_catalog c WHERE c.schema_name = p_schema AND c.table_name = p_table;
    child := maintenance.new_partition_name(p_table, policy.partition_unit, greatest(starts, room.low),
                                            greatest(starts, room.low) = starts AND least(ends, room.high) = ends);
    starts := greatest(starts, room.low);
    ends   := least(ends, room.high);
    -- What is left of the unit may be too old even where the unit is not: it would be detached at once, and made again.
    IF ends <= maintenance.clock() - make_interval(days => policy.retention_days) THEN
        RAISE EXCEPTION 'time % is outside the window in which % is kept', p_at, parent
            USING ERRCODE = 'datetime_field_overflow';
    END IF;
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

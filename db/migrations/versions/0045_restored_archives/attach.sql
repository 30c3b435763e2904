CREATE FUNCTION maintenance.attach_restored(p_relation text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '2s' AS $$
DECLARE
    kept    maintenance.detached_partitions;
    policy  maintenance.data_retention_policies;
    child   text;
    missing text;
    columns text;
    bounds  text[];
BEGIN
    SELECT * INTO STRICT kept FROM maintenance.detached_partitions d
     WHERE d.relation = p_relation AND d.dropped_at IS NULL FOR UPDATE;
    SELECT * INTO policy FROM maintenance.data_retention_policies d
     WHERE format('%I.%I', d.schema_name, d.table_name) = kept.parent;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% has no retention policy any more: restore without attaching', kept.parent
            USING ERRCODE = 'data_exception';
    END IF;
    IF kept.range_to <= maintenance.clock() - make_interval(days => policy.retention_days) THEN
        RAISE EXCEPTION '% ends at %, and % keeps % days, so it would be detached again: keep more days first',
            p_relation, kept.range_to, kept.parent, policy.retention_days USING ERRCODE = 'data_exception';
    END IF;
    SELECT string_agg(quote_ident(there.attname), ', ' ORDER BY there.attnum) FILTER (WHERE p.attgenerated = ''),
           string_agg(there.attname, ', ' ORDER BY there.attnum) FILTER (WHERE p.attname IS NULL)
      INTO columns, missing
      FROM pg_attribute there
      LEFT JOIN pg_attribute p ON p.attrelid = kept.parent::regclass AND p.attname = there.attname
                              AND p.attnum > 0 AND NOT p.attisdropped
     WHERE there.attrelid = kept.relid AND there.attnum > 0 AND NOT there.attisdropped;
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION '% has columns that % has no more (%): restore without attaching',
            p_relation, kept.parent, missing USING ERRCODE = 'data_exception';
    END IF;

    PERFORM pg_advisory_xact_lock(hashtextextended('minimcp.partitions:' || kept.parent, 0));
    child := split_part(kept.relation, '.', 2);
    IF to_regclass(format('partitions.%s', child)) IS NOT NULL THEN
        RAISE EXCEPTION 'partitions.% is in its place: restore without attaching', child
            USING ERRCODE = 'data_exception';
    END IF;
    EXECUTE format('CREATE TABLE partitions.%s (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED'
                   ' INCLUDING STORAGE INCLUDING COMPRESSION)', child, kept.parent);
    EXECUTE format('ALTER TABLE partitions.%s ENABLE ROW LEVEL SECURITY', child);
    EXECUTE format('INSERT INTO partitions.%s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM %s',
                   child, columns, columns, kept.relation);
    bounds := CASE policy.partition_key
        WHEN 'uuid7' THEN ARRAY[maintenance.uuid7_floor(kept.range_from)::text,
                                maintenance.uuid7_floor(kept.range_to)::text]
        ELSE ARRAY[kept.range_from::text, kept.range_to::text]
    END;
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION partitions.%s FOR VALUES FROM (%L) TO (%L)',
                   kept.parent, child, bounds[1], bounds[2]);
    EXECUTE format('DROP TABLE %s', kept.relation);
    UPDATE maintenance.detached_partitions d SET dropped_at = now()
     WHERE d.relid = kept.relid AND d.detached_at = kept.detached_at;
    RETURN format('partitions.%s', child);
END $$;
COMMENT ON FUNCTION maintenance.attach_restored(text) IS
    'Makes what came back a partition of its table again, unless its policy would let it go at once';
REVOKE EXECUTE ON FUNCTION maintenance.attach_restored(text) FROM PUBLIC;

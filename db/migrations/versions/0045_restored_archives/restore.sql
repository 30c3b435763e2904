CREATE FUNCTION maintenance.begin_restore(p_relation text, p_uri text, p_columns text[], p_types text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    kept maintenance.detached_partitions;
    told text := '';
    type text;
    days integer;
BEGIN
    SELECT * INTO kept FROM maintenance.detached_partitions d
     WHERE d.relation = p_relation AND d.archive_uri = p_uri ORDER BY d.detached_at DESC LIMIT 1 FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% has no archive %', p_relation, p_uri USING ERRCODE = 'data_exception';
    END IF;
    IF to_regclass(kept.relation) IS NOT NULL THEN
        RAISE EXCEPTION '% is there already: read it, or drop it first', p_relation USING ERRCODE = 'data_exception';
    END IF;
    FOR place IN 1..cardinality(p_columns) LOOP
        -- The name of a type and nothing else: what is none resolves to none.
        type := CASE WHEN to_regtype(p_types[place]) IS NOT NULL THEN p_types[place]
                     WHEN to_regtype('public.' || p_types[place]) IS NOT NULL THEN 'public.' || p_types[place] END;
        IF type IS NULL THEN
            RAISE EXCEPTION 'column % of % is of a type that is not there any more (%): create it first',
                p_columns[place], p_relation, p_types[place] USING ERRCODE = 'data_exception';
        END IF;
        told := told || CASE place WHEN 1 THEN '' ELSE ', ' END || format('%I %s', p_columns[place], type);
    END LOOP;
    EXECUTE format('CREATE TABLE %s (%s)', kept.relation, told);
    EXECUTE format('GRANT SELECT ON %s TO mcp_worker', kept.relation);
    UPDATE maintenance.detached_partitions d SET dropped_at = now()
     WHERE d.relation = kept.relation AND d.dropped_at IS NULL;
    SELECT greatest(d.grace_days, 1) INTO days FROM maintenance.data_retention_policies d
     WHERE format('%I.%I', d.schema_name, d.table_name) = kept.parent;
    -- It is archived, so it is dropped once more when its grace is over.
    INSERT INTO maintenance.detached_partitions
           (relation, relid, parent, range_from, range_to, needs_archive, drop_after, detached_at,
            archived_at, archive_uri, archived_rows, archive_sha256)
    VALUES (kept.relation, to_regclass(kept.relation), kept.parent, kept.range_from, kept.range_to, true,
            maintenance.clock() + make_interval(days => coalesce(days, 7)), clock_timestamp(),
            kept.archived_at, kept.archive_uri, kept.archived_rows, kept.archive_sha256);
END $$;
COMMENT ON FUNCTION maintenance.begin_restore(text, text, text[], text[]) IS
    'Makes the table that the rows of an archive come back to; it is dropped again after the grace of its policy';
REVOKE EXECUTE ON FUNCTION maintenance.begin_restore(text, text, text[], text[]) FROM PUBLIC;

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
               c.relid, c.partition_name, c.range_from, c.range_to, c.estimated_rows, c.total_bytes
          FROM maintenance.data_retention_policies d
          JOIN maintenance.partition_catalog c USING (schema_name, table_name)
         WHERE d.is_active AND NOT c.detach_pending AND c.range_to <= maintenance.clock() - make_interval(days => d.retention_days)
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
                   (relation, relid, parent, range_from, range_to, needs_archive, drop_after, estimated_rows,
                    total_bytes)
            VALUES (format('archive.%I', child), oldest.relid, parent, oldest.range_from, oldest.range_to,
                    oldest.strategy = 'detach_archive', maintenance.clock() + make_interval(days => oldest.grace_days),
                    oldest.estimated_rows, oldest.total_bytes);
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
         WHERE d.dropped_at IS NULL AND d.drop_after <= maintenance.clock()
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
            UPDATE maintenance.detached_partitions d SET dropped_at = maintenance.clock()
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

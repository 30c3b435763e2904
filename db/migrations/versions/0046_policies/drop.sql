CREATE OR REPLACE FUNCTION maintenance.drop_detached() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    due    record;
    intact boolean;
    hold   uuid;
BEGIN
    FOR due IN
        SELECT d.relation, d.relid, d.detached_at FROM maintenance.detached_partitions d
         WHERE d.dropped_at IS NULL AND d.drop_after <= maintenance.clock()
           AND (d.archived_rows IS NOT NULL OR NOT d.needs_archive AND NOT EXISTS (
                SELECT FROM maintenance.data_retention_policies p
                 WHERE format('%I.%I', p.schema_name, p.table_name) = d.parent AND p.strategy = 'detach_archive'))
           AND NOT EXISTS (SELECT FROM maintenance.open_holds h WHERE h.id = d.held_by)
         ORDER BY d.drop_after, d.relation FOR UPDATE SKIP LOCKED
    LOOP
        BEGIN
            -- Only the very relation that was detached: not a namesake, and not one that was attached again.
            SELECT count(*) = 1 INTO intact FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.oid = due.relid AND c.oid = to_regclass(due.relation)
               AND n.nspname = 'archive' AND NOT c.relispartition;
            IF intact THEN
                -- Nobody can add a hold between the look and the drop.
                LOCK TABLE maintenance.legal_holds IN SHARE MODE;
                hold := maintenance.hold_on(due.relid);
                IF hold IS NOT NULL THEN
                    UPDATE maintenance.detached_partitions d SET held_by = hold
                     WHERE d.relid = due.relid AND d.detached_at = due.detached_at;
                    CONTINUE;
                END IF;
                EXECUTE format('DROP TABLE %s', due.relid::regclass);
            END IF;
            UPDATE maintenance.detached_partitions d SET dropped_at = now()
             WHERE d.relid = due.relid AND d.detached_at = due.detached_at;
            IF intact THEN
                RETURN due.relation;
            END IF;
        EXCEPTION WHEN lock_not_available OR query_canceled THEN
            -- In use, or with more rows to look through than there is time for: others are not kept from going.
            NULL;
        END;
    END LOOP;
    RETURN NULL;
END $$;

-- The hash is made as the row is entered, so nothing can change it on its way to the chain.
CREATE FUNCTION maintenance.note_entered() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    told text := TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME;
BEGIN
    EXECUTE format('INSERT INTO maintenance.audit_entries (table_name, tenant_id, kind, row_id, row_time, row_hash)'
        || ' SELECT %L, coalesce(%s, ''''), ''entered'', e.id, e.%I, maintenance.audit_hash(ROW(e.*)::%I.%I) FROM entered e',
        told, TG_ARGV[0], TG_ARGV[1], TG_TABLE_SCHEMA, TG_TABLE_NAME);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION maintenance.note_entered() IS 'Notes rows that were entered into an audit table, to be sealed';

-- Of updates only those are noted that forget a user: an erasure, or a foreign key that lets go.
CREATE FUNCTION maintenance.note_erased() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parent text := TG_ARGV[0];
BEGIN
    IF current_setting('minimcp.erasing', true) IS DISTINCT FROM 'on'
       AND (to_jsonb(old) - 'user_id' <> to_jsonb(new) - 'user_id' OR to_jsonb(new) ->> 'user_id' IS NOT NULL) THEN
        RETURN NULL;
    END IF;
    -- A trigger of a partition has the partition's row.
    EXECUTE format('INSERT INTO maintenance.audit_entries (table_name, tenant_id, kind, row_id, row_time, row_hash)'
        || ' SELECT $2, coalesce(%s, ''''), ''erased'', ($1).id, ($1).%I, maintenance.audit_hash(ROW(($1).*)::%s)',
        replace(TG_ARGV[1], 'e.', '($1).'), TG_ARGV[2], parent) USING new, parent;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION maintenance.note_erased() IS 'Notes a row of an audit table that a user was taken out of, to be sealed';

CREATE FUNCTION maintenance.seal_audit(p_most integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    sealed bigint;
BEGIN
    -- Blocks follow each other, so one seals at a time; who enters rows does not notice.
    LOCK TABLE maintenance.audit_blocks IN SHARE ROW EXCLUSIVE MODE;
    WITH taken AS (
        DELETE FROM maintenance.audit_entries e
         WHERE e.id = ANY (ARRAY(SELECT w.id FROM maintenance.audit_entries w ORDER BY w.id LIMIT p_most))
        RETURNING e.*
    ), grouped AS (
        SELECT t.table_name, t.tenant_id, count(*)::integer AS entries,
               count(*) FILTER (WHERE t.kind = 'erased')::integer AS erased, min(t.row_time) AS row_from,
               max(t.row_time) AS row_to, array_agg(t.kind ORDER BY t.id) AS kinds,
               array_agg(t.row_id ORDER BY t.id) AS row_ids, array_agg(t.row_time ORDER BY t.id) AS row_times,
               array_agg(t.row_hash ORDER BY t.id) AS row_hashes
          FROM taken t GROUP BY t.table_name, t.tenant_id
    ), block AS (
        SELECT g.table_name, g.tenant_id, coalesce(head.number, 0) + 1 AS number, g.entries, g.erased, g.row_from,
               g.row_to, g.kinds, g.row_ids, g.row_times, g.row_hashes,
               maintenance.audit_rows_hash(g.kinds, g.row_ids, g.row_times, g.row_hashes) AS rows_hash,
               coalesce(head.hash, '') AS previous_hash, ''::bytea AS hash, now() AS created_at
          FROM grouped g
          LEFT JOIN LATERAL (
               SELECT b.number, b.hash FROM maintenance.audit_blocks b
                WHERE b.table_name = g.table_name AND b.tenant_id = g.tenant_id ORDER BY b.number DESC LIMIT 1
          ) head ON true
    ), written AS (
        INSERT INTO maintenance.audit_blocks
        SELECT b.table_name, b.tenant_id, b.number, b.entries, b.erased, b.row_from, b.row_to, b.kinds, b.row_ids,
               b.row_times, b.row_hashes, b.rows_hash, b.previous_hash,
               maintenance.audit_block_hash(ROW(b.*)::maintenance.audit_blocks), b.created_at
          FROM block b
        RETURNING entries
    )
    SELECT coalesce(sum(w.entries), 0) INTO sealed FROM written w;
    -- Nobody can compare what retention took; what was sealed of it stays in the hash.
    UPDATE maintenance.audit_blocks b SET kinds = NULL, row_ids = NULL, row_times = NULL, row_hashes = NULL
      FROM (SELECT c.schema_name || '.' || c.table_name AS name, min(c.range_from) AS covered_from
              FROM maintenance.partition_catalog c GROUP BY 1) kept
     WHERE kept.name = b.table_name AND b.row_to < kept.covered_from AND b.row_ids IS NOT NULL;
    RETURN sealed;
END $$;
COMMENT ON FUNCTION maintenance.seal_audit(integer) IS
    'Seals so many of the rows that wait into blocks, and lets go of the lists of rows that retention took';
REVOKE EXECUTE ON FUNCTION maintenance.note_entered(), maintenance.note_erased(), maintenance.seal_audit(integer),
    maintenance.audit_hash(gateway.audit_logs), maintenance.audit_hash(gateway.fastmcp_audit_log),
    maintenance.audit_hash(public.audit_log), maintenance.audit_block_hash(maintenance.audit_blocks),
    maintenance.audit_rows_hash(varchar[], uuid[], timestamptz[], bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION maintenance.seal_audit(integer),
    maintenance.audit_hash(gateway.audit_logs), maintenance.audit_hash(gateway.fastmcp_audit_log),
    maintenance.audit_hash(public.audit_log), maintenance.audit_block_hash(maintenance.audit_blocks),
    maintenance.audit_rows_hash(varchar[], uuid[], timestamptz[], bytea[]) TO mcp_worker;

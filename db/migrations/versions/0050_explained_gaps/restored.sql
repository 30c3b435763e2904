-- The lists of blocks go with the rows that retention takes; what comes back from its archive is sealed anew.
CREATE FUNCTION maintenance.note_restored(p_table text, p_from timestamptz, p_to timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    tenant text := CASE p_table WHEN 'public.audit_log' THEN '''''' ELSE 'coalesce(e.tenant_id, '''')' END;
    dated  text := CASE p_table WHEN 'public.audit_log' THEN 'created_at' ELSE 'timestamp' END;
BEGIN
    IF p_table NOT IN ('gateway.audit_logs', 'gateway.fastmcp_audit_log', 'public.audit_log') THEN
        RETURN;
    END IF;
    EXECUTE format(
        'WITH told AS (
            SELECT u.row_id FROM maintenance.audit_blocks b
             CROSS JOIN LATERAL unnest(b.row_ids, b.row_times) AS u (row_id, row_time)
             WHERE b.table_name = $1 AND b.row_from < $3 AND b.row_to >= $2 AND b.row_ids IS NOT NULL
               AND u.row_time >= $2 AND u.row_time < $3
             UNION
            SELECT w.row_id FROM maintenance.audit_entries w
             WHERE w.table_name = $1 AND w.row_time >= $2 AND w.row_time < $3
         )
         INSERT INTO maintenance.audit_entries (table_name, tenant_id, kind, row_id, row_time, row_hash)
         SELECT $1, %1$s, ''restored'', e.id, e.%2$I, maintenance.audit_hash(e) FROM %3$s e
          WHERE e.%2$I >= $2 AND e.%2$I < $3 AND NOT EXISTS (SELECT FROM told WHERE told.row_id = e.id)
          ORDER BY e.%2$I, e.id',
        tenant, dated, p_table) USING p_table, p_from, p_to;
END $$;
COMMENT ON FUNCTION maintenance.note_restored(text, timestamptz, timestamptz) IS
    'Notes the rows of an audit table that came back from an archive, unless they are sealed, to be sealed';
REVOKE EXECUTE ON FUNCTION maintenance.note_restored(text, timestamptz, timestamptz) FROM PUBLIC;

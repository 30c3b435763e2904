-- Each column by its name: a column that is added later changes no hash.  Times are put in UTC, so that no setting does.
CREATE FUNCTION maintenance.audit_hash(r gateway.audit_logs) RETURNS bytea
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT sha256(convert_to(jsonb_build_array(r.id, r.tenant_id, r.user_id, r.service_name, r.action, r.resource_type,
        r.resource_id, r.timestamp AT TIME ZONE 'UTC', r.details, r.request_id, r.ip_address, r.user_agent, r.success,
        r.error_message, r.created_at AT TIME ZONE 'UTC')::text, 'UTF8'))
$$;
CREATE FUNCTION maintenance.audit_hash(r gateway.fastmcp_audit_log) RETURNS bytea
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT sha256(convert_to(jsonb_build_array(r.id, r.tenant_id, r.user_id, r.user_roles, r.method, r.params,
        r.request_id, r.jsonrpc_version, r.success, r.duration_ms, r.error_code, r.error_message,
        r.timestamp AT TIME ZONE 'UTC', r.created_at AT TIME ZONE 'UTC')::text, 'UTF8'))
$$;
CREATE FUNCTION maintenance.audit_hash(r public.audit_log) RETURNS bytea
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT sha256(convert_to(jsonb_build_array(r.id, r.table_name, r.record_id, r.action, r.old_data, r.new_data,
        r.user_id, r.ip_address, r.created_at AT TIME ZONE 'UTC')::text, 'UTF8'))
$$;
COMMENT ON FUNCTION maintenance.audit_hash(gateway.audit_logs) IS 'SHA-256 of what a row says';
COMMENT ON FUNCTION maintenance.audit_hash(gateway.fastmcp_audit_log) IS 'SHA-256 of what a row says';
COMMENT ON FUNCTION maintenance.audit_hash(public.audit_log) IS 'SHA-256 of what a row says';

CREATE FUNCTION maintenance.audit_rows_hash(kinds varchar[], row_ids uuid[], row_times timestamptz[], row_hashes bytea[])
RETURNS bytea LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT sha256(string_agg(convert_to(kind, 'UTF8') || uuid_send(row_id) || timestamptz_send(row_time) || row_hash,
                             '' ORDER BY place))
      FROM unnest(kinds, row_ids, row_times, row_hashes) WITH ORDINALITY AS e (kind, row_id, row_time, row_hash, place)
$$;
COMMENT ON FUNCTION maintenance.audit_rows_hash(varchar[], uuid[], timestamptz[], bytea[]) IS
    'SHA-256 of the entries of a block, in their order';

CREATE FUNCTION maintenance.audit_block_hash(b maintenance.audit_blocks) RETURNS bytea
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT sha256(convert_to(jsonb_build_array(b.table_name, b.tenant_id, b.number, b.entries, b.erased,
        b.row_from AT TIME ZONE 'UTC', b.row_to AT TIME ZONE 'UTC', encode(b.rows_hash, 'hex'),
        encode(b.previous_hash, 'hex'), b.created_at AT TIME ZONE 'UTC')::text, 'UTF8'))
$$;
COMMENT ON FUNCTION maintenance.audit_block_hash(maintenance.audit_blocks) IS
    'SHA-256 of a block without its lists, which may go, and with the hash of the block before';

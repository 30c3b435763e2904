        -- What left its table has lost its triggers; who attaches it again finds the erasure in the chain.
        IF trace.counted IN ('gateway.audit_logs', 'gateway.fastmcp_audit_log', 'public.audit_log')
           AND trace.relation_schema = 'archive'
           AND NOT (SELECT c.relispartition FROM pg_class c WHERE c.oid = relation::regclass) THEN
            -- It may have fewer columns than its table has by now.
            step := format('WITH erased AS (%1$s RETURNING to_jsonb(t) AS told, t.id, t.%3$I AS row_time)'
                || ' INSERT INTO maintenance.audit_entries (table_name, tenant_id, kind, row_id, row_time, row_hash)'
                || ' SELECT %2$L, coalesce(e.told ->> ''tenant_id'', ''''), ''erased'', e.id, e.row_time,'
                || ' maintenance.audit_hash(jsonb_populate_record(NULL::%2$s, e.told)) FROM erased e',
                step, trace.counted, CASE trace.counted WHEN 'public.audit_log' THEN 'created_at' ELSE 'timestamp' END);
        END IF;

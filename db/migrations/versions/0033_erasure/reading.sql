CREATE FUNCTION maintenance.count_user_rows(p_user uuid) RETURNS TABLE (table_name text, action text, rows bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who    record;
    trace  record;
BEGIN
    SELECT * INTO who FROM maintenance.names_of_user(p_user);
    -- A row that several columns lead to is one row.
    FOR trace IN
        SELECT format('%I.%I', t.schema_name, t.table_name) AS counted, min(t.action) AS action,
               format('%I.%I', t.relation_schema, t.relation_name) AS relation, string_agg(t.condition, ' OR ') AS condition
          FROM maintenance.user_traces t GROUP BY 1, 3, t.action ORDER BY 1, 3
    LOOP
        table_name := trace.counted;
        action := trace.action;
        EXECUTE format('SELECT count(*) FROM %s t WHERE %s', trace.relation, trace.condition)
           INTO rows USING p_user, who.names, who.mentions, who.ids;
        IF rows > 0 THEN
            RETURN NEXT;
        END IF;
    END LOOP;
    FOR table_name, action, rows IN
        SELECT 'public.dead_letters', 'blank', count(*) FROM public.dead_letters d
         WHERE maintenance.mentions(concat_ws(' ', d.payload, d.error, d.traceback), who.mentions)
        UNION ALL
        SELECT 'public.redeliveries', 'delete', count(*) FROM public.redeliveries r
         WHERE maintenance.mentions(concat_ws(' ', r.envelope, r.error), who.mentions)
        UNION ALL
        SELECT 'public.outbox', 'delete', count(*) FROM public.outbox o
         WHERE o.user_id IS DISTINCT FROM p_user AND maintenance.mentions(o.payload::text, who.mentions)
    LOOP
        IF rows > 0 THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION maintenance.count_user_rows(uuid) IS
    'How many rows of which relations erasing a user would delete or blank';

CREATE FUNCTION maintenance.user_rows(p_user uuid, p_table text) RETURNS SETOF jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who    record;
    secrets text[];
    trace  record;
BEGIN
    SELECT * INTO who FROM maintenance.names_of_user(p_user);
    FOR trace IN
        SELECT format('%I.%I', t.relation_schema, t.relation_name) AS relation, string_agg(t.condition, ' OR ') AS condition
          FROM maintenance.user_traces t
         WHERE format('%I.%I', t.schema_name, t.table_name) = p_table AND t.condition NOT LIKE 'maintenance.mentions%'
         GROUP BY 1 ORDER BY 1
    LOOP
        SELECT array_agg(a.attname::text) INTO secrets FROM pg_attribute a
         WHERE a.attrelid = to_regclass(trace.relation) AND a.attnum > 0 AND a.attname !~ '_hint$'
           AND a.attname ~ '(^|_)(encrypted|hash|salt|iv|dek|fingerprint|token|secret|password|headers)(_|$)|^session_data$';
        RETURN QUERY EXECUTE format('SELECT to_jsonb(t) - $6 FROM %s t WHERE %s', trace.relation, trace.condition)
            USING p_user, who.names, who.mentions, who.ids, 0, coalesce(secrets, '{}');
    END LOOP;
END $$;
COMMENT ON FUNCTION maintenance.user_rows(uuid, text) IS
    'The rows of a table that are a user''s, its partitions included, without the columns that hold secrets';
REVOKE EXECUTE ON FUNCTION maintenance.count_user_rows(uuid), maintenance.user_rows(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION maintenance.count_user_rows(uuid), maintenance.user_rows(uuid, text) TO mcp_worker;

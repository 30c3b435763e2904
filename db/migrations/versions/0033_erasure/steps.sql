CREATE FUNCTION maintenance.begin_erasure(p_id uuid, p_user uuid) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '10s' AS $$
DECLARE
    open_id uuid;
BEGIN
    -- Not FOR UPDATE: who holds an instance and writes an event about its user shall not wait for this.
    PERFORM FROM public.users u WHERE u.id = p_user FOR NO KEY UPDATE;
    SELECT e.id INTO open_id FROM maintenance.erasures e WHERE e.user_id = p_user AND e.finished_at IS NULL;
    IF FOUND THEN
        RETURN open_id;
    END IF;
    PERFORM FROM maintenance.erasures e WHERE e.id = p_id;
    IF FOUND THEN
        RETURN p_id;
    END IF;
    INSERT INTO maintenance.erasures (id, user_id, names, mentions)
    SELECT p_id, p_user, n.names, n.mentions FROM maintenance.names_of_user(p_user) AS n;
    -- For triggers that would write down what is being erased.
    PERFORM set_config('minimcp.erasing', 'on', true);
    -- From here on nothing begins for the user, and what runs has ended.
    UPDATE public.users SET is_active = false, deleted_at = coalesce(deleted_at, now()) WHERE id = p_user;
    -- Instances before their ports, as everywhere.
    PERFORM FROM public.mcp_instances i WHERE i.user_id = p_user ORDER BY i.id FOR NO KEY UPDATE;
    UPDATE public.port_allocations p SET is_available = true, mcp_instance_id = NULL, released_at = now()
      FROM public.mcp_instances i WHERE i.id = p.mcp_instance_id AND i.user_id = p_user;
    UPDATE public.mcp_instances i
       SET deleted_at = now(),
           status = CASE WHEN i.status IN ('pending', 'running') THEN 'disconnected' ELSE i.status END
     WHERE i.user_id = p_user AND i.deleted_at IS NULL;
    RETURN p_id;
END $$;
COMMENT ON FUNCTION maintenance.begin_erasure(uuid, uuid) IS
    'Switches a user off and remembers by what the user can be told; the id of the erasure, an older one if it is under way';

-- Messages that wait or were given up: the parts of a batch that name the user go, the others stay.
CREATE FUNCTION maintenance.erase_messages(p_mentions text[], p_limit integer)
RETURNS TABLE (table_name text, affected bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    WITH named AS MATERIALIZED (
        SELECT d.id, maintenance.without_names(d.payload, p_mentions) AS rest FROM public.dead_letters d
         WHERE maintenance.mentions(concat_ws(' ', d.payload, d.error, d.traceback), p_mentions)
         LIMIT p_limit FOR UPDATE
    ), changed AS (
        UPDATE public.dead_letters d
           SET payload = coalesce(named.rest, '[erased]'), redacted = d.redacted OR named.rest IS NULL,
               error = CASE WHEN maintenance.mentions(d.error, p_mentions) THEN '[erased]' ELSE d.error END,
               traceback = NULL
          FROM named WHERE d.id = named.id RETURNING 1
    ) SELECT 'public.dead_letters', count(*) FROM changed;
    RETURN QUERY
    WITH named AS MATERIALIZED (
        SELECT r.message_id, r.queue, r.wire_name, maintenance.without_names(r.envelope, p_mentions) AS rest
          FROM public.redeliveries r
         WHERE maintenance.mentions(concat_ws(' ', r.envelope, r.error), p_mentions) LIMIT p_limit FOR UPDATE
    ), kept AS (
        UPDATE public.redeliveries r SET envelope = named.rest, error = NULL
          FROM named WHERE r.message_id = named.message_id AND named.rest IS NOT NULL
    ), gone AS (
        DELETE FROM public.redeliveries r USING named WHERE r.message_id = named.message_id AND named.rest IS NULL
    ), entered AS (
        INSERT INTO public.inbox (message_id, wire_name, outcome)
        -- One that waited for longer than the inbox remembers has no place there.
        SELECT named.message_id, named.wire_name, 'dead' FROM named
         WHERE named.rest IS NULL AND EXISTS (
               SELECT FROM maintenance.partition_catalog p
                WHERE p.schema_name = 'public' AND p.table_name = 'inbox'
                  AND maintenance.uuid7_time(named.message_id) >= p.range_from
                  AND maintenance.uuid7_time(named.message_id) < p.range_to)
        ON CONFLICT DO NOTHING
    ), letters AS (
        INSERT INTO public.dead_letters (message_id, queue, wire_name, reason, error, payload, redacted, host)
        SELECT named.message_id::text, named.queue, named.wire_name, 'user-erased',
               'The user was erased before it was applied.', '[erased]', true, 'erasure'
          FROM named WHERE named.rest IS NULL ON CONFLICT DO NOTHING
    ) SELECT 'public.redeliveries', count(*) FROM named;
    RETURN QUERY
    WITH named AS MATERIALIZED (
        SELECT o.message_id, maintenance.without_names(jsonb_build_object('args', jsonb_build_array(o.payload))::text,
                                                       p_mentions)::jsonb #> '{args,0}' AS rest
          FROM public.outbox o WHERE maintenance.mentions(o.payload::text, p_mentions) LIMIT p_limit FOR UPDATE
    ), kept AS (
        UPDATE public.outbox o SET payload = named.rest
          FROM named WHERE o.message_id = named.message_id AND named.rest IS NOT NULL
    ), gone AS (
        DELETE FROM public.outbox o USING named WHERE o.message_id = named.message_id AND named.rest IS NULL
    ) SELECT 'public.outbox', count(*) FROM named;
END $$;
COMMENT ON FUNCTION maintenance.erase_messages(text[], integer) IS
    'Takes somebody out of the messages that wait or were given up; one about nobody else becomes a letter without words';

CREATE FUNCTION maintenance.erase_some(p_id uuid, p_limit integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '10s' AS $$
DECLARE
    erasure  maintenance.erasures;
    trace    record;
    relation text;
    step     text;
    ids      uuid[];
    affected bigint;
    total    bigint := 0;
    ends     timestamptz := clock_timestamp() + interval '2 seconds';
BEGIN
    SELECT * INTO erasure FROM maintenance.erasures e WHERE e.id = p_id AND e.finished_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        RETURN true;
    END IF;
    -- For triggers that would write down what is being erased.
    PERFORM set_config('minimcp.erasing', 'on', true);
    SELECT array_agg(named::uuid) INTO ids FROM unnest(erasure.names) AS named
     WHERE named ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
    FOR trace IN
        SELECT *, format('%I.%I', t.schema_name, t.table_name) AS counted FROM maintenance.user_traces t
         WHERE t.key <> ALL (erasure.done)
         ORDER BY t.place, 1, 2, 3, 5
    LOOP
        IF total >= p_limit OR clock_timestamp() > ends THEN
            UPDATE maintenance.erasures e SET done = erasure.done, counts = erasure.counts WHERE e.id = p_id;
            RETURN false;
        END IF;
        relation := format('%I.%I', trace.relation_schema, trace.relation_name);
        step := format(CASE trace.action WHEN 'delete' THEN 'DELETE FROM %1$s t' ELSE 'UPDATE %1$s t SET %3$s' END
            || ' WHERE t.ctid = ANY (ARRAY(SELECT t.ctid FROM %1$s t WHERE %2$s LIMIT $5 FOR UPDATE))',
            relation, trace.condition, trace.blanks);
        EXECUTE step USING erasure.user_id, erasure.names, erasure.mentions, ids, p_limit;
        GET DIAGNOSTICS affected = ROW_COUNT;
        total := total + affected;
        IF affected > 0 THEN
            erasure.counts := erasure.counts || jsonb_build_object(
                trace.counted, coalesce((erasure.counts ->> trace.counted)::bigint, 0) + affected);
        END IF;
        IF affected < p_limit THEN
            erasure.done := erasure.done || trace.key::text;
        END IF;
    END LOOP;
    total := 0;
    FOR trace IN SELECT * FROM maintenance.erase_messages(erasure.mentions, p_limit) LOOP
        total := greatest(total, trace.affected);
        IF trace.affected > 0 THEN
            erasure.counts := erasure.counts || jsonb_build_object(
                trace.table_name, coalesce((erasure.counts ->> trace.table_name)::bigint, 0) + trace.affected);
        END IF;
    END LOOP;
    IF total >= p_limit THEN
        UPDATE maintenance.erasures e SET done = erasure.done, counts = erasure.counts WHERE e.id = p_id;
        RETURN false;
    END IF;
    UPDATE maintenance.erasures e
       SET counts = erasure.counts, finished_at = clock_timestamp(), user_id = NULL, names = '{}', mentions = '{}', done = '{}'
     WHERE e.id = p_id;
    RETURN true;
END $$;
COMMENT ON FUNCTION maintenance.erase_some(uuid, integer) IS
    'Erases so many rows of a user, or for two seconds; true when nothing is left, and then nobody is named any more';
REVOKE EXECUTE ON FUNCTION maintenance.begin_erasure(uuid, uuid), maintenance.erase_some(uuid, integer),
    maintenance.erase_messages(text[], integer), maintenance.names_of_user(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION maintenance.begin_erasure(uuid, uuid), maintenance.erase_some(uuid, integer) TO mcp_worker;

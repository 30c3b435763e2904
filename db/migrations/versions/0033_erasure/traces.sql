-- Whole words only: the address of Ann is not in that of Joann.  A word may follow an escaped line break of JSON.
CREATE FUNCTION maintenance.mentions(p_text text, p_mentions text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM unnest(p_mentions) AS named
         WHERE strpos(lower(p_text), lower(named)) > 0
           AND p_text ~* ('(?:(?<![[:alnum:]._%+@-])|(?<=\\[bfnrt]))'
                          || regexp_replace(named, '([\\.^$*+?()[\]{}|])', '\\\1', 'g')
                          || '(?![[:alnum:]_%+@-]|\.[[:alnum:]])'))
$$;
COMMENT ON FUNCTION maintenance.mentions(text, text[]) IS 'Whether a text has one of some words in it, whatever its case';

-- What is left of a message when the parts of its batch that name somebody are taken out; NULL if it is about nobody else.
CREATE FUNCTION maintenance.without_names(p_envelope text, p_mentions text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    envelope jsonb;
    payload  jsonb;
    field    record;
    rest     jsonb;
    left_over text;
BEGIN
    envelope := p_envelope::jsonb;
    payload := envelope #> '{args,0}';
    -- What somebody asked for on behalf of others is still to be done.
    IF maintenance.mentions(payload ->> 'requested_by', p_mentions) THEN
        payload := payload - '{requested_by,ip_address,user_agent}'::text[];
    END IF;
    -- A place in the order of users; a little before it will do, for what was done is not done again.
    IF maintenance.mentions(payload #>> '{continuation,after}', p_mentions) THEN
        payload := jsonb_set(payload, '{continuation,after}', to_jsonb(
            left(payload #>> '{continuation,after}', 8) || '-0000-0000-0000-000000000000'));
    END IF;
    FOR field IN SELECT key, value FROM jsonb_each(payload) WHERE jsonb_typeof(value) = 'array' LOOP
        SELECT jsonb_agg(item) INTO rest FROM jsonb_array_elements(field.value) AS item
         WHERE NOT maintenance.mentions(item::text, p_mentions);
        IF rest IS NULL AND field.value <> '[]' THEN
            RETURN NULL;
        END IF;
        payload := jsonb_set(payload, ARRAY[field.key], coalesce(rest, '[]'));
    END LOOP;
    left_over := jsonb_set(envelope, '{args,0}', payload)::text;
    RETURN CASE WHEN NOT maintenance.mentions(left_over, p_mentions) THEN left_over END;
EXCEPTION WHEN data_exception THEN
    -- Not JSON, or JSON that jsonb cannot hold: nothing can be taken out of it.
    RETURN NULL;
END $$;
COMMENT ON FUNCTION maintenance.without_names(text, text[]) IS
    'A message without the parts of its batch that name somebody; NULL if nothing is left of it';

CREATE VIEW maintenance.user_traces AS
WITH RECURSIVE owned AS (
    SELECT c.oid AS relid, 'id'::name AS column_name, 0 AS depth, 'delete' AS action, 't.id = $1' AS condition,
           ARRAY[c.oid] AS path
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relname = 'users'
    UNION ALL
    SELECT k.conrelid, a.attname, o.depth + 1, CASE k.confdeltype WHEN 'n' THEN 'blank' ELSE 'delete' END,
           (CASE o.depth WHEN 0 THEN format('t.%I = $1', a.attname)
                ELSE format('t.%I IN (SELECT t.%I FROM %I.%I t WHERE %s)', a.attname, r.attname, n.nspname, c.relname,
                            o.condition) END) COLLATE "default",
           o.path || k.conrelid
      FROM owned o
      JOIN pg_constraint k ON k.confrelid = o.relid AND k.contype = 'f' AND k.conparentid = 0
      JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
      JOIN pg_attribute r ON r.attrelid = k.confrelid AND r.attnum = k.confkey[1]
      JOIN pg_class c ON c.oid = o.relid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE o.action = 'delete' AND k.conrelid <> ALL (o.path)
       -- A detached partition may still have the foreign keys of its table, with which it is found below.
       AND NOT EXISTS (SELECT FROM maintenance.detached_partitions d WHERE d.relid = k.conrelid AND d.dropped_at IS NULL)
), declared AS (
    SELECT c.oid AS relid, a.attname AS column_name, d.action, d.kind, d.blanks,
           CASE WHEN d.kind = 'mention' THEN format('maintenance.mentions(t.%I::text, $3)', a.attname)
                WHEN d.kind = 'path' THEN format('string_to_array(t.%I, ''/'') && $2', a.attname)
                WHEN a.atttypid = 'uuid'::regtype THEN format('t.%I = ANY ($4)', a.attname)
                ELSE format('t.%I = ANY ($2)', a.attname) END AS condition
      FROM maintenance.user_references d
      JOIN pg_namespace n ON n.nspname = d.schema_name
      JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = d.table_name
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = d.column_name AND NOT a.attisdropped
), traces AS (
    -- What forgets the user comes first, for deleting the user would do it in one transaction; then what goes, the
    -- farthest from the user first; and records last, for what goes may leave records.
    SELECT o.relid, o.column_name, o.action, CASE o.action WHEN 'blank' THEN -1000 ELSE -o.depth END AS place,
           o.condition, coalesce(d.blanks, '{}') AS blanks, true AS is_key
      FROM owned o LEFT JOIN declared d ON d.relid = o.relid AND d.column_name = o.column_name AND d.kind = 'key'
    UNION ALL
    SELECT d.relid, d.column_name, d.action, CASE d.kind WHEN 'mention' THEN 2 ELSE 1 END, d.condition, d.blanks, false
      FROM declared d WHERE d.kind <> 'key'
), relations AS (
    SELECT t.relid, p.relid AS leaf FROM (SELECT DISTINCT relid FROM traces) t
     CROSS JOIN LATERAL pg_partition_tree(t.relid) AS p WHERE p.isleaf
    UNION ALL
    SELECT t.relid, t.relid FROM (SELECT DISTINCT relid FROM traces) t JOIN pg_class c ON c.oid = t.relid
     WHERE c.relkind = 'r'
    UNION ALL
    SELECT t.relid, a.oid FROM (SELECT DISTINCT relid FROM traces) t
      JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN maintenance.detached_partitions d
        ON d.parent = format('%I.%I', n.nspname, c.relname) AND d.dropped_at IS NULL
      JOIN pg_class a ON a.oid = d.relid AND NOT a.relispartition
)
SELECT n.nspname AS schema_name, c.relname AS table_name, t.column_name, ln.nspname AS relation_schema,
       l.relname AS relation_name, t.action, t.condition, t.is_key, t.place,
       format('%I.%I.%I %s', ln.nspname, l.relname, t.column_name, left(md5(t.condition), 8)) AS key,
       (SELECT string_agg(DISTINCT format('%I = %s', a.attname,
               CASE WHEN a.atttypid = 'jsonb'::regtype
                    THEN format('CASE WHEN t.%I IS NOT NULL THEN ''{"erased": true}''::jsonb END', a.attname)
                    WHEN a.attnotnull THEN '''[erased]''' ELSE 'NULL' END), ', ')
          FROM pg_attribute a
         WHERE a.attrelid = t.relid AND (a.attname = t.column_name OR a.attname = ANY (t.blanks))) AS blanks
  FROM traces t
  JOIN relations r ON r.relid = t.relid
  JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_class l ON l.oid = r.leaf JOIN pg_namespace ln ON ln.oid = l.relnamespace;
COMMENT ON VIEW maintenance.user_traces IS
    'Every relation in which rows of a user, or about one, may be: by foreign keys as the catalog has them, and as declared';
COMMENT ON COLUMN maintenance.user_traces.schema_name IS 'Schema of the table';
COMMENT ON COLUMN maintenance.user_traces.table_name IS 'The table';
COMMENT ON COLUMN maintenance.user_traces.column_name IS 'The column that leads to the user';
COMMENT ON COLUMN maintenance.user_traces.relation_schema IS 'Schema of the relation';
COMMENT ON COLUMN maintenance.user_traces.relation_name IS 'The table itself, one of its partitions, or one that was detached';
COMMENT ON COLUMN maintenance.user_traces.action IS 'delete: the row goes; blank: the row stays as a record';
COMMENT ON COLUMN maintenance.user_traces.condition IS
    'Which rows: $1 is the user, $2 names and $3 mentions as names_of_user gives them, $4 the names that are UUIDs';
COMMENT ON COLUMN maintenance.user_traces.is_key IS 'A foreign key tells it';
COMMENT ON COLUMN maintenance.user_traces.place IS 'What is smaller comes first';
COMMENT ON COLUMN maintenance.user_traces.key IS 'What the erasure remembers of it when it is through';
COMMENT ON COLUMN maintenance.user_traces.blanks IS 'What a record is set to';
GRANT SELECT ON maintenance.user_traces TO mcp_worker, mcp_reader;

CREATE FUNCTION maintenance.names_of_user(p_user uuid) RETURNS TABLE (names text[], mentions text[], ids uuid[])
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH ids AS (
        SELECT p_user::text AS id
        UNION SELECT i.id::text FROM public.mcp_instances i WHERE i.user_id = p_user
        UNION SELECT i.id::text FROM public.mcp_instances_archive i WHERE i.user_id = p_user
        UNION SELECT k.id::text FROM public.api_keys k WHERE k.user_id = p_user
        UNION SELECT k.id::text FROM public.api_keys_archive k WHERE k.user_id = p_user
        UNION SELECT s.instance_id FROM public.user_service_instances s WHERE s.user_id = p_user
        UNION SELECT s.instance_id FROM public.shared_moves s WHERE s.user_id = p_user
        UNION SELECT s.id FROM gateway.sessions s WHERE s.user_id = p_user
        UNION SELECT k.id FROM gateway.api_keys k WHERE k.user_id = p_user
        UNION SELECT k.id FROM gateway.enhanced_api_keys k WHERE k.user_id = p_user
    ), addresses AS (
        SELECT u.email AS name, u.email AS mention FROM public.users u WHERE u.id = p_user
        -- A user name may be any word, such as the name of a type or of a queue: in texts only what is called so is one.
        UNION SELECT NULL, format('"username":%s%s', gap, to_json(u.username)) FROM public.users u, (VALUES (''), (' ')) AS v (gap)
               WHERE u.id = p_user AND u.username IS NOT NULL
        UNION SELECT u.auth_provider_id, to_json(u.auth_provider_id)::text FROM public.users u WHERE u.id = p_user
    )
    SELECT array_agg(name) FILTER (WHERE name IS NOT NULL), array_agg(mention),
           array_agg(name::uuid) FILTER (WHERE name ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')
      FROM (SELECT id AS name, CASE WHEN length(id) < 16 THEN to_json(id)::text ELSE id END AS mention FROM ids UNION SELECT * FROM addresses) AS found WHERE mention IS NOT NULL
$$;
COMMENT ON FUNCTION maintenance.names_of_user(uuid) IS
    'By what a user and what is the user''s can be told: as whole values, and as they stand in JSON, where a short name must be quoted';

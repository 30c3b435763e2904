CREATE TABLE maintenance.legal_holds (
    id          uuid        NOT NULL DEFAULT gen_random_uuid(),
    tenant_id   varchar(64),
    instance_id uuid,
    reason      text        NOT NULL,
    asked_by    varchar(255) NOT NULL,
    since       timestamptz NOT NULL DEFAULT now(),
    until       timestamptz,
    released_at timestamptz,
    released_by varchar(255),
    CONSTRAINT pk_legal_holds PRIMARY KEY (id),
    CONSTRAINT check_held CHECK (num_nonnulls(tenant_id, instance_id) = 1),
    CONSTRAINT check_hold_reason CHECK (btrim(reason) <> '' AND btrim(asked_by) <> ''),
    CONSTRAINT check_hold_until CHECK (until > since),
    CONSTRAINT check_released CHECK ((released_at IS NULL) = (released_by IS NULL))
);
COMMENT ON TABLE maintenance.legal_holds IS
    'Whose data must be kept, by whose order and why; only the owner writes here, and what is over stays as a record';
COMMENT ON COLUMN maintenance.legal_holds.id IS 'What it is called';
COMMENT ON COLUMN maintenance.legal_holds.tenant_id IS 'The tenant whose data is held; no foreign key, for the order outlives the tenant';
COMMENT ON COLUMN maintenance.legal_holds.instance_id IS 'Or the instance; no foreign key either';
COMMENT ON COLUMN maintenance.legal_holds.reason IS 'Why, such as the number of a case';
COMMENT ON COLUMN maintenance.legal_holds.asked_by IS 'Who ordered it';
COMMENT ON COLUMN maintenance.legal_holds.since IS 'From when on nothing of it goes';
COMMENT ON COLUMN maintenance.legal_holds.until IS 'When it ends by itself; NULL: when it is released';
COMMENT ON COLUMN maintenance.legal_holds.released_at IS 'When it was released; NULL while it holds';
COMMENT ON COLUMN maintenance.legal_holds.released_by IS 'Who released it';
GRANT SELECT ON maintenance.legal_holds TO mcp_worker, mcp_reader;
CREATE TRIGGER legal_holds_kept AFTER INSERT OR DELETE ON maintenance.legal_holds
    FOR EACH ROW EXECUTE FUNCTION public.note_change('id');
CREATE TRIGGER legal_holds_changed AFTER UPDATE ON maintenance.legal_holds
    FOR EACH ROW EXECUTE FUNCTION public.note_change('id');

CREATE VIEW maintenance.open_holds AS
SELECT h.* FROM maintenance.legal_holds h
 WHERE h.released_at IS NULL AND h.since <= maintenance.clock() AND coalesce(h.until > maintenance.clock(), true);
COMMENT ON VIEW maintenance.open_holds IS 'The legal holds that hold now';
GRANT SELECT ON maintenance.open_holds TO mcp_worker, mcp_reader;
DO $$
DECLARE
    told record;
BEGIN
    FOR told IN
        SELECT a.attname, col_description(a.attrelid, a.attnum) AS sentence FROM pg_attribute a
         WHERE a.attrelid = 'maintenance.legal_holds'::regclass AND a.attnum > 0
    LOOP
        EXECUTE format('COMMENT ON COLUMN maintenance.open_holds.%I IS %L', told.attname, told.sentence);
    END LOOP;
END $$;

CREATE VIEW maintenance.all_instances AS
SELECT id, user_id FROM public.mcp_instances UNION ALL SELECT id, user_id FROM public.mcp_instances_archive;
COMMENT ON VIEW maintenance.all_instances IS 'Instances and their users, also those that were moved to the archive';
COMMENT ON COLUMN maintenance.all_instances.id IS 'The instance';
COMMENT ON COLUMN maintenance.all_instances.user_id IS 'Whose it is or was';
GRANT SELECT ON maintenance.all_instances TO mcp_worker;

-- By the names of columns, which mean the same everywhere; a subquery gives ids in the column's own type, so that its
-- index serves.
CREATE FUNCTION maintenance.held_rows(p_relid oid, p_hold maintenance.legal_holds) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH whose (column_name, of_tenant, of_instance) AS (VALUES
        ('tenant_id', NULL, NULL),
        ('user_id', 'SELECT u.id::%2$s FROM public.users u WHERE u.tenant_id = %1$L', NULL),
        ('mcp_instance_id',
         'SELECT i.id::%2$s FROM maintenance.all_instances i JOIN public.users u ON u.id = i.user_id WHERE u.tenant_id = %1$L',
         'SELECT %1$L::%2$s'),
        ('instance_id', 'SELECT s.instance_id::%2$s FROM public.user_service_instances s JOIN public.users u ON u.id = s.user_id'
                        ' WHERE u.tenant_id = %1$L', 'SELECT %1$L::%2$s'),
        ('target_id',
         'SELECT t.id::%2$s FROM public.health_targets t LEFT JOIN public.mcp_instances i ON i.id = t.mcp_instance_id'
         ' LEFT JOIN public.users u ON u.id = i.user_id LEFT JOIN gateway.mcp_servers s ON s.id = t.server_id'
         ' WHERE %1$L IN (u.tenant_id, s.tenant_id)',
         'SELECT t.id::%2$s FROM public.health_targets t WHERE t.mcp_instance_id = %1$L'),
        ('server_id', 'SELECT s.id::%2$s FROM gateway.mcp_servers s WHERE s.tenant_id = %1$L', NULL),
        ('record_id', 'SELECT i.id::%2$s FROM maintenance.all_instances i JOIN public.users u ON u.id = i.user_id'
                      ' WHERE u.tenant_id = %1$L UNION SELECT u.id::%2$s FROM public.users u WHERE u.tenant_id = %1$L'
                      ' UNION SELECT %1$L', 'SELECT %1$L::%2$s')
    ), told AS (
        SELECT a.attname, format_type(a.atttypid, NULL) AS type,
               CASE WHEN w.column_name = 'tenant_id' THEN CASE WHEN p_hold.tenant_id IS NOT NULL THEN 'SELECT %1$L::%2$s' END
                    WHEN p_hold.tenant_id IS NOT NULL THEN w.of_tenant ELSE w.of_instance END AS ids
          FROM whose w JOIN pg_attribute a ON a.attrelid = p_relid AND a.attname = w.column_name
           AND a.attnum > 0 AND NOT a.attisdropped
    )
    SELECT coalesce(string_agg(format('t.%I IN (%s)', attname,
                                      format(ids, coalesce(p_hold.tenant_id, p_hold.instance_id::text), type)), ' OR '), 'false')
      FROM told WHERE ids IS NOT NULL
$$;
COMMENT ON FUNCTION maintenance.held_rows(oid, maintenance.legal_holds) IS
    'The condition on the rows `t` of a relation that a hold is about';

CREATE FUNCTION maintenance.hold_on(p_relid oid) RETURNS uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    hold  maintenance.legal_holds;
    found_any boolean;
BEGIN
    -- Only what waits to be dropped, whoever asks.
    IF NOT EXISTS (SELECT FROM maintenance.detached_partitions d WHERE d.relid = p_relid AND d.dropped_at IS NULL)
       OR p_relid::regclass::text NOT LIKE 'archive.%' THEN
        RETURN NULL;
    END IF;
    FOR hold IN SELECT * FROM maintenance.open_holds h ORDER BY h.since, h.id LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s t WHERE %s)', p_relid::regclass, maintenance.held_rows(p_relid, hold))
           INTO found_any;
        IF found_any THEN
            RETURN hold.id;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION maintenance.hold_on(oid) IS
    'A legal hold of which a detached partition has rows, the oldest; NULL if there is none';

CREATE FUNCTION maintenance.hold_on_user(p_user uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('The user''s data is held (%s; hold %s, ordered by %s): release the hold first.',
                  h.reason, h.id, h.asked_by)
      FROM maintenance.open_holds h
     WHERE h.tenant_id = (SELECT u.tenant_id FROM public.users u WHERE u.id = p_user)
        OR h.instance_id IN (SELECT i.id FROM maintenance.all_instances i WHERE i.user_id = p_user)
     ORDER BY h.since, h.id LIMIT 1
$$;
COMMENT ON FUNCTION maintenance.hold_on_user(uuid) IS 'Why a user must not be erased, as a sentence; NULL if nothing is held';
REVOKE EXECUTE ON FUNCTION maintenance.held_rows(oid, maintenance.legal_holds), maintenance.hold_on(oid),
    maintenance.hold_on_user(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION maintenance.hold_on(oid), maintenance.hold_on_user(uuid) TO mcp_worker;

ALTER TABLE maintenance.detached_partitions ADD COLUMN held_by uuid;
COMMENT ON COLUMN maintenance.detached_partitions.held_by IS
    'The legal hold that kept it from being dropped: while that holds, nobody reads the partition for others';

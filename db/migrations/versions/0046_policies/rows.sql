CREATE TABLE maintenance.row_policies (
    table_name  varchar(127) NOT NULL,
    age     text         NOT NULL,
    condition   text         NOT NULL DEFAULT 'true',
    keep_days   integer      NOT NULL,
    is_active   boolean      NOT NULL DEFAULT true,
    description text         NOT NULL,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    updated_at  timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT pk_row_policies PRIMARY KEY (table_name),
    CONSTRAINT check_keep_days CHECK (keep_days BETWEEN 1 AND 36500)
);
COMMENT ON TABLE maintenance.row_policies IS
    'Tables that grow and are not partitioned: their old rows are deleted some at a time; only the owner writes here';
COMMENT ON COLUMN maintenance.row_policies.table_name IS 'The table, with its schema';
COMMENT ON COLUMN maintenance.row_policies.age IS 'What tells the age of a row `t`, as an index has it; NULL: it stays';
COMMENT ON COLUMN maintenance.row_policies.condition IS 'Which old rows may go';
COMMENT ON COLUMN maintenance.row_policies.keep_days IS 'A row goes when it is older';
COMMENT ON COLUMN maintenance.row_policies.is_active IS 'Nothing goes while it is not';
COMMENT ON COLUMN maintenance.row_policies.description IS 'What is kept that long, and why';
COMMENT ON COLUMN maintenance.row_policies.created_at IS 'When it was made';
COMMENT ON COLUMN maintenance.row_policies.updated_at IS 'When it was last changed; a trigger keeps it';
GRANT SELECT ON maintenance.row_policies TO mcp_worker, mcp_reader;
CREATE TRIGGER row_policies_updated_at BEFORE UPDATE ON maintenance.row_policies
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE INDEX idx_log_quarantine_created_at ON log_quarantine (created_at);
COMMENT ON INDEX idx_log_quarantine_created_at IS 'The oldest lines, which go first';
CREATE INDEX idx_service_usage_quarantine_created_at ON service_usage_quarantine (created_at);
COMMENT ON INDEX idx_service_usage_quarantine_created_at IS 'The oldest uses, which go first';
CREATE INDEX idx_dead_letters_settled ON dead_letters (GREATEST(replayed_at, discarded_at))
    WHERE GREATEST(replayed_at, discarded_at) IS NOT NULL;
COMMENT ON INDEX idx_dead_letters_settled IS 'Letters that somebody has replayed or discarded, the longest settled first';
CREATE INDEX idx_runs_finished_at ON maintenance.runs (finished_at);
COMMENT ON INDEX maintenance.idx_runs_finished_at IS 'The oldest runs, which go first';
CREATE INDEX idx_detached_partitions_dropped_at ON maintenance.detached_partitions (dropped_at)
    WHERE archive_uri IS NULL;
COMMENT ON INDEX maintenance.idx_detached_partitions_dropped_at IS 'Partitions that are gone for good, the longest gone first';

INSERT INTO maintenance.row_policies (table_name, age, condition, keep_days, description) VALUES
    ('public.log_quarantine', 'created_at', 'true', 90, 'Lines that found no instance, for as long as somebody may look for them'),
    ('public.service_usage_quarantine', 'created_at', 'true', 183, 'Uses that could not be counted, as long as those that were'),
    ('public.dead_letters', 'GREATEST(replayed_at, discarded_at)', 'true', 90, 'Letters that were settled; open ones stay'),
    ('maintenance.runs', 'finished_at',
     'EXISTS (SELECT FROM maintenance.runs later WHERE later.task = t.task AND later.started_at > t.started_at)', 400,
     'A year of runs and what they are compared with; the last run of each task stays'),
    ('maintenance.detached_partitions', 'dropped_at', 'archive_uri IS NULL', 400,
     'Partitions that were dropped without an archive; those that have one stay as the way back to it');
INSERT INTO message_contracts (wire_name, queue, sender)
VALUES ('maintenance.pruning_due.v1', 'maintenance', 'scheduler'),
       ('maintenance.dead_letters_due.v1', 'maintenance', 'scheduler');
-- What a migration enters nobody changed.
CREATE TRIGGER row_policies_kept AFTER INSERT OR DELETE ON maintenance.row_policies
    FOR EACH ROW EXECUTE FUNCTION public.note_change('table_name');
CREATE TRIGGER row_policies_changed AFTER UPDATE ON maintenance.row_policies
    FOR EACH ROW EXECUTE FUNCTION public.note_change('table_name');

CREATE FUNCTION maintenance.prune(p_limit integer) RETURNS TABLE (table_name text, deleted bigint, problem text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
#variable_conflict use_column
DECLARE
    policy maintenance.row_policies;
    held   text;
    rows   bigint;
BEGIN
    FOR policy IN SELECT * FROM maintenance.row_policies p WHERE p.is_active ORDER BY p.table_name LOOP
        table_name := policy.table_name;
        deleted := 0;
        problem := NULL;
        BEGIN
            SELECT coalesce(string_agg(format('NOT coalesce(%s, false)', '(' || maintenance.held_rows(
                       policy.table_name::regclass, h::maintenance.legal_holds) || ')'), ' AND '), 'true')
              INTO held FROM maintenance.legal_holds h WHERE h.id IN (SELECT o.id FROM maintenance.open_holds o);
            EXECUTE format(
                'WITH old AS MATERIALIZED ('
                ' SELECT t.ctid AS place FROM %1$s t WHERE %2$s < $1 AND (%3$s) AND %4$s'
                ' ORDER BY %2$s LIMIT $2 FOR UPDATE OF t SKIP LOCKED)'
                ' DELETE FROM %1$s t USING old WHERE t.ctid = old.place',
                policy.table_name::regclass, policy.age, policy.condition, held)
              USING maintenance.clock() - make_interval(days => policy.keep_days), p_limit;
            GET DIAGNOSTICS rows = ROW_COUNT;
            deleted := rows;
        EXCEPTION WHEN query_canceled OR OTHERS THEN
            -- One policy that makes no sense, or one table in use, keeps no other from being tidied up.
            problem := format('%s: %s (%s)', policy.table_name, SQLERRM, SQLSTATE);
        END;
        RETURN NEXT;
    END LOOP;
END $$;
COMMENT ON FUNCTION maintenance.prune(integer) IS
    'Deletes the oldest rows that no policy keeps, at most so many of each table; as many as that: there may be more';
REVOKE EXECUTE ON FUNCTION maintenance.prune(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION maintenance.prune(integer) TO mcp_worker;

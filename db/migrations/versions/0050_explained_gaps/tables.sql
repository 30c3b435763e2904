ALTER TABLE maintenance.detached_partitions ADD COLUMN attached_at timestamptz;
COMMENT ON COLUMN maintenance.detached_partitions.attached_at IS 'When it was found to be a part of its table again, or its archive became one';

CREATE VIEW maintenance.retired_ranges AS
SELECT newest.parent AS table_name, newest.range_from, newest.range_to, newest.detached_at, newest.dropped_at,
       newest.archive_uri
  FROM (SELECT DISTINCT ON (d.parent, d.range_from, d.range_to) d.* FROM maintenance.detached_partitions d
         ORDER BY d.parent, d.range_from, d.range_to, d.detached_at DESC) newest
 WHERE newest.attached_at IS NULL
   AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = newest.relid AND i.inhparent = to_regclass(newest.parent))
   -- What waited to be dropped and is gone was taken by somebody else.
   AND (newest.dropped_at IS NOT NULL OR EXISTS (
        SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid = newest.relid OR format('%I.%I', n.nspname, c.relname) = newest.relation));
COMMENT ON VIEW maintenance.retired_ranges IS
    'The time of which retention took the rows, unless they came back: an archive that was attached again is not here';
COMMENT ON COLUMN maintenance.retired_ranges.table_name IS 'The table, with its schema';
COMMENT ON COLUMN maintenance.retired_ranges.range_from IS 'Where it begins';
COMMENT ON COLUMN maintenance.retired_ranges.range_to IS 'Where it ends';
COMMENT ON COLUMN maintenance.retired_ranges.detached_at IS 'When it left the table';
COMMENT ON COLUMN maintenance.retired_ranges.dropped_at IS 'When its rows left the database; NULL while they wait for that';
COMMENT ON COLUMN maintenance.retired_ranges.archive_uri IS 'Where they are archived';
GRANT SELECT ON maintenance.retired_ranges TO mcp_worker, mcp_reader;

ALTER TABLE maintenance.audit_entries DROP CONSTRAINT check_entry_kind,
    ADD CONSTRAINT check_entry_kind CHECK (kind IN ('entered', 'erased', 'restored'));
COMMENT ON COLUMN maintenance.audit_entries.kind IS
    'entered: the row is new; erased: what it said of a user was taken out; restored: it came back from an archive';

-- What explains that a month is gone must stay as long as a chain, or a rollup, tells of it.
ALTER TABLE maintenance.row_policies DISABLE TRIGGER row_policies_changed;
UPDATE maintenance.row_policies
   SET condition = 'archive_uri IS NULL AND parent NOT IN (''gateway.audit_logs'', ''gateway.fastmcp_audit_log'','
                   ' ''public.audit_log'', ''gateway.request_logs'', ''public.service_usage_analytics'', ''gateway.server_metrics'')',
       description = 'Partitions that were dropped without an archive; those that have one, and those of tables that are sealed or counted, stay as a record'
 WHERE table_name = 'maintenance.detached_partitions';
ALTER TABLE maintenance.row_policies ENABLE TRIGGER row_policies_changed;

"""What is wrong with maintenance, as sentences: what people and alerts read."""

from typing import Final

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

SINCE: Final = """
ALTER TABLE maintenance.ticks ADD COLUMN since timestamptz;
UPDATE maintenance.ticks SET since = fire_time;
ALTER TABLE maintenance.ticks ALTER COLUMN since SET NOT NULL;
COMMENT ON COLUMN maintenance.ticks.since IS 'The fire time of the first tick in a row that ended like this one';
"""

STRAYS: Final = """
CREATE VIEW maintenance.stray_partitions AS
SELECT c.relname AS partition_name, c.oid AS relid, greatest(c.reltuples, 0)::bigint AS estimated_rows,
       pg_total_relation_size(c.oid) AS total_bytes
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'partitions' AND c.relkind = 'r' AND NOT c.relispartition;
COMMENT ON VIEW maintenance.stray_partitions IS
    'Partitions that somebody detached by hand: their rows are in no table, and nothing here touches them';
COMMENT ON COLUMN maintenance.stray_partitions.partition_name IS 'What it is called, in the schema partitions';
COMMENT ON COLUMN maintenance.stray_partitions.relid IS 'Its identity';
COMMENT ON COLUMN maintenance.stray_partitions.estimated_rows IS 'About how many rows it has';
COMMENT ON COLUMN maintenance.stray_partitions.total_bytes IS 'How much room it takes, with its indexes';
GRANT SELECT ON maintenance.stray_partitions TO mcp_worker, mcp_reader;
"""

TROUBLES: Final = """
CREATE VIEW maintenance.troubles AS
SELECT 'horizon' AS kind, format('%I.%I', h.schema_name, h.table_name) AS subject,
       CASE WHEN h.covered_to IS NULL THEN 'It has no partition: no row can be stored.'
            ELSE format('Its partitions end at %s: look at the run of create-partitions.', h.covered_to) END AS sentence
  FROM maintenance.partition_health h JOIN maintenance.data_retention_policies d USING (schema_name, table_name)
 WHERE d.is_active AND coalesce(h.horizon < interval '7 days', true)
   AND to_regclass(format('%I.%I', h.schema_name, h.table_name)) IS NOT NULL
UNION ALL
SELECT 'gap', format('%I.%I', m.schema_name, m.table_name),
       format('It has no partition from %s on: look at the run of create-partitions.', m.missing_from)
  FROM maintenance.missing_partitions() m WHERE m.is_gap
UNION ALL
SELECT 'detach-pending', format('%I.%I', c.schema_name, c.table_name),
       format('Detaching %s was interrupted: ALTER TABLE … DETACH PARTITION … FINALIZE ends it.', c.partition_name)
  FROM maintenance.partition_catalog c WHERE c.detach_pending
UNION ALL
SELECT 'retention', format('%I.%I', d.schema_name, d.table_name),
       format('%s partitions are older than its retention by more than two days: look at the runs of apply-retention.',
              count(*))
  FROM maintenance.data_retention_policies d JOIN maintenance.partition_catalog c USING (schema_name, table_name)
 WHERE d.is_active AND c.range_to <= maintenance.clock() - make_interval(days => d.retention_days + 2)
 GROUP BY d.schema_name, d.table_name
UNION ALL
SELECT 'archive', d.relation,
       format('It waits for its archive since %s and is not dropped before: look at the runs of archive-partitions.',
              d.drop_after)
  FROM maintenance.detached_partitions d
 WHERE d.dropped_at IS NULL AND d.needs_archive AND d.archived_rows IS NULL
   AND d.drop_after <= maintenance.clock() - interval '2 days'
UNION ALL
SELECT 'stray', format('partitions.%I', s.partition_name),
       'Somebody detached it by hand, so its rows are in no table: attach it again, or drop it.'
  FROM maintenance.stray_partitions s
UNION ALL
SELECT 'late', t.task,
       format('Its tick of %s was not applied: is a scheduler running, and a worker of its queue?', t.next_fire_time)
  FROM maintenance.ticks t WHERE t.next_fire_time <= maintenance.clock() - interval '5 minutes'
UNION ALL
SELECT 'failed', t.task, t.problem FROM maintenance.ticks t WHERE t.outcome = 'failed'
UNION ALL
SELECT 'waiting', t.task, format('It has waited since %s: %s', t.since, t.problem)
  FROM maintenance.ticks t WHERE t.outcome = 'waits' AND t.since <= maintenance.clock() - interval '1 day'
UNION ALL
SELECT 'silent', 'scheduler', 'No tick has come yet: run `python -m scheduler`.'
 WHERE NOT EXISTS (SELECT FROM maintenance.ticks t WHERE t.next_fire_time IS NOT NULL);
COMMENT ON VIEW maintenance.troubles IS
    'What keeps the database from staying small and current, with what to do about it; empty when all is well';
COMMENT ON COLUMN maintenance.troubles.kind IS
    'horizon, gap, detach-pending, retention, archive, stray, late, failed, waiting or silent';
COMMENT ON COLUMN maintenance.troubles.subject IS 'The table, the partition or the task that it is about';
COMMENT ON COLUMN maintenance.troubles.sentence IS 'What is wrong, and what to do about it';
GRANT SELECT ON maintenance.troubles TO mcp_worker, mcp_reader;
"""


def upgrade() -> None:
    """Add the column and create the views."""
    for statements in (SINCE, STRAYS, TROUBLES):
        op.execute(statements)


def downgrade() -> None:
    """Drop them."""
    op.execute(
        """
        DROP VIEW maintenance.troubles;
        DROP VIEW maintenance.stray_partitions;
        ALTER TABLE maintenance.ticks DROP COLUMN since;
        """
    )

"""Retention policies, what maintenance did, and what it detached."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

POLICIES = """
CREATE TABLE maintenance.data_retention_policies (
    schema_name      varchar(63)  NOT NULL DEFAULT 'public',
    table_name       varchar(63)  NOT NULL,
    partition_column varchar(63)  NOT NULL,
    partition_key    varchar(10)  NOT NULL DEFAULT 'time',
    partition_unit   varchar(10)  NOT NULL DEFAULT 'month',
    units_ahead      integer      NOT NULL DEFAULT 3,
    retention_days   integer      NOT NULL,
    strategy         varchar(20)  NOT NULL DEFAULT 'detach_drop',
    grace_days       integer      NOT NULL DEFAULT 7,
    is_active        boolean      NOT NULL DEFAULT true,
    description      text,
    created_at       timestamptz  NOT NULL DEFAULT now(),
    updated_at       timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT pk_data_retention_policies PRIMARY KEY (schema_name, table_name),
    CONSTRAINT check_partition_key CHECK (partition_key IN ('time', 'uuid7')),
    CONSTRAINT check_partition_unit CHECK (partition_unit IN ('day', 'week', 'month')),
    CONSTRAINT check_strategy CHECK (strategy IN ('detach_drop', 'detach_archive')),
    CONSTRAINT check_units_ahead CHECK (units_ahead BETWEEN 1 AND 60),
    CONSTRAINT check_retention_days CHECK (retention_days > 0 AND grace_days >= 0)
);
COMMENT ON TABLE maintenance.data_retention_policies IS
    'The partitioned tables; only the owner writes here, so a worker cannot shorten a retention and erase evidence';
COMMENT ON COLUMN maintenance.data_retention_policies.partition_key IS
    'time: the column is a timestamp; uuid7: it is a version 7 UUID, and the bounds are the first ids of each unit';
COMMENT ON COLUMN maintenance.data_retention_policies.units_ahead IS
    'How many partitions beyond the current one are kept ready';
COMMENT ON COLUMN maintenance.data_retention_policies.retention_days IS
    'A partition is detached when all of it is older';
COMMENT ON COLUMN maintenance.data_retention_policies.strategy IS
    'detach_drop: dropped after the grace; detach_archive: dropped after the grace and only once it was archived';
COMMENT ON COLUMN maintenance.data_retention_policies.grace_days IS
    'How long a detached partition can still be brought back';
CREATE TRIGGER data_retention_policies_updated_at BEFORE UPDATE ON maintenance.data_retention_policies
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
GRANT SELECT ON maintenance.data_retention_policies TO mcp_worker, mcp_reader;
"""

RECORDS = """
CREATE TABLE maintenance.runs (
    id          bigint       GENERATED ALWAYS AS IDENTITY,
    task        varchar(100) NOT NULL,
    started_at  timestamptz  NOT NULL,
    finished_at timestamptz  NOT NULL DEFAULT clock_timestamp(),
    affected    bigint       NOT NULL DEFAULT 0,
    detail      jsonb        NOT NULL DEFAULT '{}',
    CONSTRAINT pk_runs PRIMARY KEY (id)
);
CREATE INDEX idx_runs_task_started ON maintenance.runs (task, started_at DESC);
COMMENT ON TABLE maintenance.runs IS
    'What each maintenance task did and when; the last row of a task says whether it still runs';
COMMENT ON COLUMN maintenance.runs.affected IS 'Rows or partitions that were changed';
GRANT SELECT, INSERT ON maintenance.runs TO mcp_worker;
GRANT SELECT ON maintenance.runs TO mcp_reader;

CREATE TABLE maintenance.detached_partitions (
    relation      text        NOT NULL,
    relid         oid         NOT NULL,
    parent        text        NOT NULL,
    range_from    timestamptz NOT NULL,
    range_to      timestamptz NOT NULL,
    needs_archive boolean     NOT NULL,
    detached_at   timestamptz NOT NULL DEFAULT now(),
    drop_after    timestamptz NOT NULL,
    archived_at   timestamptz,
    dropped_at    timestamptz,
    CONSTRAINT pk_detached_partitions PRIMARY KEY (relid, detached_at)
);
CREATE UNIQUE INDEX idx_detached_partitions_relation ON maintenance.detached_partitions (relation)
    WHERE dropped_at IS NULL;
COMMENT ON TABLE maintenance.detached_partitions IS
    'Partitions that left their table: detached, archived where the policy asks for it, dropped';
COMMENT ON COLUMN maintenance.detached_partitions.relid IS
    'Identity of the relation: a table made later under the same name is not the one that may be dropped';
COMMENT ON COLUMN maintenance.detached_partitions.archived_at IS
    'Without it, a partition that needs archiving is never dropped';
GRANT SELECT ON maintenance.detached_partitions TO mcp_worker, mcp_reader;
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(POLICIES)
    op.execute(RECORDS)


def downgrade() -> None:
    """Drop them."""
    op.execute(
        """
        DROP TABLE maintenance.detached_partitions;
        DROP TABLE maintenance.runs;
        DROP TABLE maintenance.data_retention_policies;
        """
    )

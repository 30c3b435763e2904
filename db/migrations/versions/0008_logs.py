"""Lines that instances print, and the lines that nobody can be found for."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

LOGS = """
CREATE TABLE mcp_logs (
    id              uuid        NOT NULL DEFAULT gen_random_uuid(),
    mcp_instance_id uuid        NOT NULL,
    timestamp       timestamptz NOT NULL DEFAULT now(),
    level           varchar(10) NOT NULL DEFAULT 'info',
    source          varchar(50) NOT NULL DEFAULT 'process',
    message         text        NOT NULL,
    metadata        jsonb       NOT NULL DEFAULT '{}',
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_mcp_logs PRIMARY KEY (id, timestamp),
    CONSTRAINT fk_mcp_logs_mcp_instance_id_mcp_instances
        FOREIGN KEY (mcp_instance_id) REFERENCES mcp_instances (id) ON DELETE CASCADE,
    CONSTRAINT check_level CHECK (level IN ('debug', 'info', 'warn', 'error')),
    CONSTRAINT check_source CHECK (source IN ('process', 'system', 'api'))
) PARTITION BY RANGE (timestamp);
CREATE INDEX idx_mcp_logs_instance_timestamp ON mcp_logs (mcp_instance_id, timestamp DESC);
CREATE INDEX idx_mcp_logs_timestamp ON mcp_logs (timestamp DESC);
CREATE INDEX idx_mcp_logs_level ON mcp_logs (level) WHERE level IN ('warn', 'error');

COMMENT ON TABLE mcp_logs IS 'Lines that instances printed';
COMMENT ON COLUMN mcp_logs.id IS
    'Derived from the message and the line''s place in it: the same on every delivery';
COMMENT ON COLUMN mcp_logs.timestamp IS
    'When it was printed; a time far from its arrival gives way to it and is kept in metadata.original_timestamp';

ALTER TABLE mcp_logs ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON mcp_logs TO mcp_worker USING (true) WITH CHECK (true);
CREATE POLICY producer_own ON mcp_logs FOR SELECT TO mcp_producer USING (
    mcp_instance_id IN (SELECT i.id FROM mcp_instances i WHERE i.user_id = (SELECT current_app_user()))
);
GRANT SELECT, INSERT, UPDATE, DELETE ON mcp_logs TO mcp_worker;
GRANT SELECT ON mcp_logs TO mcp_producer;

INSERT INTO maintenance.data_retention_policies (table_name, partition_column, retention_days, description)
VALUES ('mcp_logs', 'timestamp', 30, 'A month of log lines');
SELECT maintenance.ensure_partitions();
"""

QUARANTINE = """
CREATE TABLE log_quarantine (
    id              bigint      GENERATED ALWAYS AS IDENTITY,
    mcp_instance_id uuid        NOT NULL,
    reason          varchar(50) NOT NULL,
    payload         jsonb       NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_log_quarantine PRIMARY KEY (id)
);
CREATE INDEX idx_log_quarantine_instance ON log_quarantine (mcp_instance_id, created_at);

COMMENT ON TABLE log_quarantine IS 'Log lines that could not be stored, with the reason; nothing is lost silently';
COMMENT ON COLUMN log_quarantine.mcp_instance_id IS
    'As the line says; no foreign key, for this is where unknown instances go';
COMMENT ON COLUMN log_quarantine.payload IS 'The whole line';
GRANT SELECT, INSERT, UPDATE, DELETE ON log_quarantine TO mcp_worker;
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(LOGS)
    op.execute(QUARANTINE)


def downgrade() -> None:
    """Drop them."""
    op.execute(
        """
        DROP TABLE log_quarantine;
        DELETE FROM maintenance.data_retention_policies WHERE table_name = 'mcp_logs';
        DROP TABLE mcp_logs;
        """
    )

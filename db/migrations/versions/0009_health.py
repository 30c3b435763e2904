"""What probes found: every check, and the verdict that holds now."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

HISTORY = """
CREATE TABLE health_checks (
    mcp_instance_id uuid             NOT NULL,
    scheduled_at    timestamptz      NOT NULL,
    verdict         varchar(20)      NOT NULL,
    checked_at      timestamptz      NOT NULL,
    response_ms     double precision,
    error           text,
    era             varchar(10),
    created_at      timestamptz      NOT NULL DEFAULT now(),
    CONSTRAINT pk_health_checks PRIMARY KEY (mcp_instance_id, scheduled_at),
    CONSTRAINT fk_health_checks_mcp_instance_id_mcp_instances
        FOREIGN KEY (mcp_instance_id) REFERENCES mcp_instances (id) ON DELETE CASCADE,
    CONSTRAINT check_verdict CHECK (verdict IN ('up', 'degraded', 'auth_required', 'restarted',
        'protocol_error', 'tools_missing', 'unreachable', 'timeout')),
    CONSTRAINT check_era CHECK (era IN ('modern', 'legacy')),
    CONSTRAINT check_response_ms CHECK (response_ms >= 0)
) PARTITION BY RANGE (scheduled_at);

COMMENT ON TABLE health_checks IS 'One row per check of an instance';
COMMENT ON COLUMN health_checks.scheduled_at IS
    'The slot of the check: a slot counts once, however often its report arrives';
COMMENT ON COLUMN health_checks.era IS 'Which era of the protocol the server speaks';

ALTER TABLE health_checks ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON health_checks TO mcp_worker USING (true) WITH CHECK (true);
CREATE POLICY producer_own ON health_checks FOR SELECT TO mcp_producer USING (
    mcp_instance_id IN (SELECT i.id FROM mcp_instances i WHERE i.user_id = (SELECT current_app_user()))
);
GRANT SELECT, INSERT, UPDATE, DELETE ON health_checks TO mcp_worker;
GRANT SELECT ON health_checks TO mcp_producer;

INSERT INTO maintenance.data_retention_policies (table_name, partition_column, retention_days, description)
VALUES ('health_checks', 'scheduled_at', 90, 'A quarter of checks');
SELECT maintenance.ensure_partitions();
"""

CURRENT = """
CREATE TABLE instance_health (
    mcp_instance_id      uuid             NOT NULL,
    verdict              varchar(20)      NOT NULL,
    scheduled_at         timestamptz      NOT NULL,
    checked_at           timestamptz      NOT NULL,
    response_ms          double precision,
    error                text,
    era                  varchar(10),
    consecutive_failures integer          NOT NULL DEFAULT 0,
    last_alive_at        timestamptz,
    created_at           timestamptz      NOT NULL DEFAULT now(),
    updated_at           timestamptz      NOT NULL DEFAULT now(),
    CONSTRAINT pk_instance_health PRIMARY KEY (mcp_instance_id),
    CONSTRAINT fk_instance_health_mcp_instance_id_mcp_instances
        FOREIGN KEY (mcp_instance_id) REFERENCES mcp_instances (id) ON DELETE CASCADE,
    CONSTRAINT check_verdict CHECK (verdict IN ('up', 'degraded', 'auth_required', 'restarted',
        'protocol_error', 'tools_missing', 'unreachable', 'timeout')),
    CONSTRAINT check_era CHECK (era IN ('modern', 'legacy')),
    CONSTRAINT check_consecutive_failures CHECK (consecutive_failures >= 0)
) WITH (fillfactor = 70);
CREATE INDEX idx_instance_health_failing ON instance_health (consecutive_failures) WHERE consecutive_failures > 0;

COMMENT ON TABLE instance_health IS 'The verdict of the newest check of each instance';
COMMENT ON COLUMN instance_health.scheduled_at IS 'The slot of that check; a report of an older slot never replaces it';
COMMENT ON COLUMN instance_health.consecutive_failures IS
    'Failed slots since last_alive_at, in whatever order they were reported';
COMMENT ON COLUMN instance_health.last_alive_at IS 'The newest slot in which the server answered as it should';

CREATE TRIGGER instance_health_updated_at BEFORE UPDATE ON instance_health
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
ALTER TABLE instance_health ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON instance_health TO mcp_worker USING (true) WITH CHECK (true);
CREATE POLICY producer_own ON instance_health FOR SELECT TO mcp_producer USING (
    mcp_instance_id IN (SELECT i.id FROM mcp_instances i WHERE i.user_id = (SELECT current_app_user()))
);
GRANT SELECT, INSERT, UPDATE, DELETE ON instance_health TO mcp_worker;
GRANT SELECT ON instance_health TO mcp_producer;
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(HISTORY)
    op.execute(CURRENT)


def downgrade() -> None:
    """Drop them."""
    op.execute(
        """
        DROP TABLE instance_health;
        DELETE FROM maintenance.data_retention_policies WHERE table_name = 'health_checks';
        DROP TABLE health_checks;
        """
    )

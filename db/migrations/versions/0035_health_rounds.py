"""Who probes, what came of it each hour, and the alert of a target."""

from typing import Final

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

PROBERS: Final = """
CREATE TABLE probers (
    id         uuid         NOT NULL,
    host_id    varchar(255),
    hostname   varchar(255) NOT NULL,
    process_id integer      NOT NULL,
    started_at timestamptz  NOT NULL DEFAULT now(),
    seen_at    timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT pk_probers PRIMARY KEY (id)
) WITH (fillfactor = 50);
COMMENT ON TABLE probers IS 'Worker processes that check targets; one that falls silent loses its claims';
COMMENT ON COLUMN probers.id IS 'Made by the process when it starts';
COMMENT ON COLUMN probers.host_id IS 'The host whose processes it can look at, as instances call it';
COMMENT ON COLUMN probers.hostname IS 'The machine or container that it runs in';
COMMENT ON COLUMN probers.process_id IS 'Its process id there';
COMMENT ON COLUMN probers.started_at IS 'Since when it probes';
COMMENT ON COLUMN probers.seen_at IS 'Its last sign of life, by the clock of the database';
GRANT SELECT, INSERT, UPDATE, DELETE ON probers TO mcp_worker;
"""

HOURS: Final = """
CREATE TABLE health_hours (
    target_id   uuid             NOT NULL,
    hour        timestamptz      NOT NULL,
    checks      integer          NOT NULL,
    alive       integer          NOT NULL,
    answers     integer          NOT NULL,
    total_ms    double precision NOT NULL,
    slowest_ms  double precision,
    CONSTRAINT pk_health_hours PRIMARY KEY (target_id, hour),
    CONSTRAINT fk_health_hours_target_id_health_targets
        FOREIGN KEY (target_id) REFERENCES health_targets (id) ON DELETE CASCADE,
    CONSTRAINT check_hour_counts CHECK (alive BETWEEN 0 AND checks AND answers BETWEEN 0 AND checks AND total_ms >= 0)
) PARTITION BY RANGE (hour);
COMMENT ON TABLE health_hours IS
    'Checks of an hour summed up in the transaction that records them: what uptime and response times are read from';
COMMENT ON COLUMN health_hours.target_id IS 'What was checked';
COMMENT ON COLUMN health_hours.hour IS 'The hour in which the slots are';
COMMENT ON COLUMN health_hours.checks IS 'How many slots were reported';
COMMENT ON COLUMN health_hours.alive IS 'In how many of them it answered as it should';
COMMENT ON COLUMN health_hours.answers IS 'How many have a response time';
COMMENT ON COLUMN health_hours.total_ms IS 'The sum of the response times, in milliseconds';
COMMENT ON COLUMN health_hours.slowest_ms IS 'The longest of them';

ALTER TABLE health_hours ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON health_hours TO mcp_worker USING (true) WITH CHECK (true);
CREATE POLICY producer_own ON health_hours FOR SELECT TO mcp_producer
    USING (target_id IN (SELECT t.id FROM health_targets t));
GRANT SELECT, INSERT, UPDATE, DELETE ON health_hours TO mcp_worker;
GRANT SELECT ON health_hours TO mcp_producer;

INSERT INTO maintenance.data_retention_policies (table_name, partition_column, retention_days, description)
VALUES ('health_hours', 'hour', 400, 'A year of uptime, and what it is compared with');
SELECT maintenance.ensure_partitions();
"""

SETTINGS: Final = """
INSERT INTO system_settings (key, value, description) VALUES
    ('health.interval_seconds',    '30',  'Seconds between two checks of a target that is entered from now on'),
    ('health.timeout_seconds',     '5',   'Seconds that one check of it may take'),
    ('health.failure_threshold',   '3',   'Failures in a row that open its circuit breaker'),
    ('health.recovery_threshold',  '2',   'Signs of life in a row that close it again, at least 2'),
    ('health.reset_seconds',       '60',  'Seconds until the first check after it opened; doubled with each failure'),
    ('health.reset_limit_seconds', '900', 'The longest wait while it is open'),
    ('health.listing_minutes',     '5',   'Minutes after which a server is asked for its tools and resources again')
ON CONFLICT (key) DO NOTHING;
"""

ALERTS: Final = """
ALTER TABLE gateway.performance_alerts
    ADD COLUMN target_id uuid,
    ADD CONSTRAINT fk_performance_alerts_target_id_health_targets
        FOREIGN KEY (target_id) REFERENCES public.health_targets (id) ON DELETE CASCADE,
    ADD CONSTRAINT uq_performance_alerts_target_id UNIQUE (target_id);
COMMENT ON COLUMN gateway.performance_alerts.target_id IS
    'The target whose checks opened the alert; NULL for a limit that people set on a metric';
COMMENT ON INDEX gateway.uq_performance_alerts_target_id IS 'However often a target fails, it has one alert';
DROP POLICY producer_own ON gateway.performance_alerts;
CREATE POLICY producer_own ON gateway.performance_alerts FOR SELECT TO mcp_producer
    USING (server_id IN (SELECT s.id FROM gateway.mcp_servers s
                          WHERE s.tenant_id IS NULL OR s.tenant_id = (SELECT public.current_app_tenant()))
           OR target_id IN (SELECT t.id FROM public.health_targets t));
"""


def upgrade() -> None:
    """Create the tables, enter the settings, and let alerts name a target."""
    for statements in (PROBERS, HOURS, SETTINGS, ALERTS):
        op.execute(statements)


def downgrade() -> None:
    """Drop them; alerts of targets go along."""
    op.execute(
        """
        DROP POLICY producer_own ON gateway.performance_alerts;
        CREATE POLICY producer_own ON gateway.performance_alerts FOR SELECT TO mcp_producer
            USING (server_id IN (SELECT s.id FROM gateway.mcp_servers s
                                  WHERE s.tenant_id IS NULL OR s.tenant_id = (SELECT public.current_app_tenant())));
        DELETE FROM gateway.performance_alerts WHERE target_id IS NOT NULL;
        ALTER TABLE gateway.performance_alerts DROP COLUMN target_id;
        DELETE FROM system_settings WHERE key LIKE 'health.%';
        DELETE FROM maintenance.data_retention_policies WHERE table_name = 'health_hours';
        DROP TABLE health_hours;
        DROP TABLE probers;
        """
    )

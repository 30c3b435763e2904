"""How the gateway's servers do: metrics, circuit breakers, pools, queues, alerts."""

from typing import Final

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

METRICS = """
CREATE TABLE gateway.server_metrics (
    id                   uuid             NOT NULL DEFAULT gen_random_uuid(),
    server_id            text             NOT NULL,
    timestamp            timestamptz      NOT NULL DEFAULT now(),
    response_time_ms     double precision,
    requests_per_second  double precision,
    error_rate           double precision,
    cpu_usage            double precision,
    memory_usage_mb      double precision,
    active_connections   integer,
    connection_pool_size integer,
    custom_metrics       jsonb            NOT NULL DEFAULT '{}',
    created_at           timestamptz      NOT NULL DEFAULT now(),
    CONSTRAINT pk_server_metrics PRIMARY KEY (id, timestamp),
    CONSTRAINT fk_server_metrics_server_id_mcp_servers
        FOREIGN KEY (server_id) REFERENCES gateway.mcp_servers (id) ON DELETE CASCADE,
    CONSTRAINT check_error_rate CHECK (error_rate BETWEEN 0 AND 100)
) PARTITION BY RANGE (timestamp);
CREATE INDEX idx_server_metrics_server_time ON gateway.server_metrics (server_id, timestamp DESC);
CREATE INDEX idx_server_metrics_performance ON gateway.server_metrics (response_time_ms, error_rate)
    WHERE response_time_ms IS NOT NULL;
COMMENT ON TABLE gateway.server_metrics IS 'Samples of what servers report of themselves';
COMMENT ON COLUMN gateway.server_metrics.timestamp IS 'When the sample was taken';
COMMENT ON COLUMN gateway.server_metrics.error_rate IS 'Per cent';
COMMENT ON COLUMN gateway.server_metrics.cpu_usage IS 'Per cent of one core';
"""

BREAKERS = """
CREATE TABLE gateway.circuit_breakers (
    id                text         NOT NULL DEFAULT gen_random_uuid()::text,
    server_id         text         NOT NULL,
    service_name      varchar(255) NOT NULL,
    state             varchar(20)  NOT NULL DEFAULT 'closed',
    failure_count     integer      NOT NULL DEFAULT 0,
    success_count     integer      NOT NULL DEFAULT 0,
    failure_threshold integer      NOT NULL DEFAULT 5,
    success_threshold integer      NOT NULL DEFAULT 2,
    timeout_ms        integer      NOT NULL DEFAULT 60000,
    last_failure_time timestamptz,
    last_success_time timestamptz,
    last_state_change timestamptz  NOT NULL DEFAULT now(),
    total_requests    bigint       NOT NULL DEFAULT 0,
    total_failures    bigint       NOT NULL DEFAULT 0,
    total_timeouts    bigint       NOT NULL DEFAULT 0,
    created_at        timestamptz  NOT NULL DEFAULT now(),
    updated_at        timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT pk_circuit_breakers PRIMARY KEY (id),
    CONSTRAINT uq_circuit_breakers_server_id UNIQUE (server_id, service_name),
    CONSTRAINT fk_circuit_breakers_server_id_mcp_servers
        FOREIGN KEY (server_id) REFERENCES gateway.mcp_servers (id) ON DELETE CASCADE,
    CONSTRAINT check_breaker_state CHECK (state IN ('closed', 'open', 'half_open')),
    CONSTRAINT check_breaker_limits CHECK (failure_threshold > 0 AND success_threshold > 0 AND timeout_ms > 0),
    CONSTRAINT check_breaker_counts CHECK (failure_count >= 0 AND success_count >= 0)
) WITH (fillfactor = 70);
CREATE INDEX idx_circuit_breakers_server_state ON gateway.circuit_breakers (server_id, state, last_state_change);
COMMENT ON TABLE gateway.circuit_breakers IS 'Whether calls to a server are let through, as all gateways see it';
COMMENT ON COLUMN gateway.circuit_breakers.failure_count IS 'Failures in a row';
COMMENT ON COLUMN gateway.circuit_breakers.success_count IS 'Successes in a row while half_open';
COMMENT ON COLUMN gateway.circuit_breakers.timeout_ms IS 'How long it stays open before one call may try';
"""

POOLS = """
CREATE TABLE gateway.connection_pools (
    id                        text             NOT NULL DEFAULT gen_random_uuid()::text,
    server_id                 text             NOT NULL,
    pool_name                 varchar(255)     NOT NULL,
    transport_type            varchar(20)      NOT NULL DEFAULT 'http',
    max_size                  integer          NOT NULL DEFAULT 10,
    min_size                  integer          NOT NULL DEFAULT 2,
    timeout_ms                integer          NOT NULL DEFAULT 30000,
    idle_timeout_ms           integer          NOT NULL DEFAULT 300000,
    active_connections        integer          NOT NULL DEFAULT 0,
    idle_connections          integer          NOT NULL DEFAULT 0,
    pending_requests          integer          NOT NULL DEFAULT 0,
    is_healthy                boolean          NOT NULL DEFAULT true,
    last_health_check         timestamptz,
    total_connections_created bigint           NOT NULL DEFAULT 0,
    total_connections_closed  bigint           NOT NULL DEFAULT 0,
    connection_errors         bigint           NOT NULL DEFAULT 0,
    avg_connection_time_ms    double precision,
    created_at                timestamptz      NOT NULL DEFAULT now(),
    updated_at                timestamptz      NOT NULL DEFAULT now(),
    CONSTRAINT pk_connection_pools PRIMARY KEY (id),
    CONSTRAINT uq_connection_pools_server_id UNIQUE (server_id, pool_name),
    CONSTRAINT fk_connection_pools_server_id_mcp_servers
        FOREIGN KEY (server_id) REFERENCES gateway.mcp_servers (id) ON DELETE CASCADE,
    CONSTRAINT check_pool_size CHECK (min_size >= 0 AND max_size >= greatest(min_size, 1)),
    CONSTRAINT check_pool_timeouts CHECK (timeout_ms > 0 AND idle_timeout_ms > 0)
) WITH (fillfactor = 70);
CREATE INDEX idx_connection_pools_server_health
    ON gateway.connection_pools (server_id, is_healthy, active_connections);
COMMENT ON TABLE gateway.connection_pools IS 'Connections of gateways to a server: their limits and how they do';

CREATE TABLE gateway.request_queues (
    id                     text             NOT NULL DEFAULT gen_random_uuid()::text,
    server_id              text             NOT NULL,
    queue_name             varchar(255)     NOT NULL,
    max_size               integer          NOT NULL DEFAULT 1000,
    processing_timeout_ms  integer          NOT NULL DEFAULT 60000,
    priority_levels        integer          NOT NULL DEFAULT 3,
    current_size           integer          NOT NULL DEFAULT 0,
    processing_count       integer          NOT NULL DEFAULT 0,
    is_accepting_requests  boolean          NOT NULL DEFAULT true,
    last_processed         timestamptz,
    total_enqueued         bigint           NOT NULL DEFAULT 0,
    total_processed        bigint           NOT NULL DEFAULT 0,
    total_timeouts         bigint           NOT NULL DEFAULT 0,
    total_errors           bigint           NOT NULL DEFAULT 0,
    avg_processing_time_ms double precision,
    avg_wait_time_ms       double precision,
    created_at             timestamptz      NOT NULL DEFAULT now(),
    updated_at             timestamptz      NOT NULL DEFAULT now(),
    CONSTRAINT pk_request_queues PRIMARY KEY (id),
    CONSTRAINT uq_request_queues_server_id UNIQUE (server_id, queue_name),
    CONSTRAINT fk_request_queues_server_id_mcp_servers
        FOREIGN KEY (server_id) REFERENCES gateway.mcp_servers (id) ON DELETE CASCADE,
    CONSTRAINT check_queue_limits CHECK (max_size > 0 AND processing_timeout_ms > 0 AND priority_levels > 0),
    CONSTRAINT check_queue_sizes CHECK (current_size >= 0 AND processing_count >= 0)
) WITH (fillfactor = 70);
CREATE INDEX idx_request_queues_server_accepting
    ON gateway.request_queues (server_id, is_accepting_requests, current_size);
COMMENT ON TABLE gateway.request_queues IS 'Requests that wait for a server: the limits and how long they wait';
"""

ALERTS = """
CREATE TABLE gateway.performance_alerts (
    id                    text             NOT NULL DEFAULT gen_random_uuid()::text,
    server_id             text,
    name                  varchar(255)     NOT NULL,
    description           text,
    metric_name           varchar(100)     NOT NULL,
    threshold_value       double precision NOT NULL,
    comparison_operator   varchar(10)      NOT NULL,
    duration_minutes      integer          NOT NULL DEFAULT 5,
    is_active             boolean          NOT NULL DEFAULT true,
    is_triggered          boolean          NOT NULL DEFAULT false,
    first_triggered       timestamptz,
    last_triggered        timestamptz,
    acknowledged_at       timestamptz,
    resolved_at           timestamptz,
    trigger_count         integer          NOT NULL DEFAULT 0,
    notification_channels jsonb            NOT NULL DEFAULT '[]',
    cooldown_minutes      integer          NOT NULL DEFAULT 60,
    last_notification     timestamptz,
    created_at            timestamptz      NOT NULL DEFAULT now(),
    updated_at            timestamptz      NOT NULL DEFAULT now(),
    CONSTRAINT pk_performance_alerts PRIMARY KEY (id),
    CONSTRAINT fk_performance_alerts_server_id_mcp_servers
        FOREIGN KEY (server_id) REFERENCES gateway.mcp_servers (id) ON DELETE CASCADE,
    CONSTRAINT check_comparison_operator CHECK (comparison_operator IN ('>', '<', '>=', '<=', '==')),
    CONSTRAINT check_alert_times CHECK (duration_minutes >= 0 AND cooldown_minutes >= 0),
    CONSTRAINT check_triggered_since CHECK (NOT is_triggered OR first_triggered IS NOT NULL)
);
CREATE INDEX idx_performance_alerts_active_triggered
    ON gateway.performance_alerts (server_id, metric_name, last_triggered DESC) WHERE is_active;
CREATE UNIQUE INDEX idx_performance_alerts_name ON gateway.performance_alerts (server_id, name) NULLS NOT DISTINCT;
COMMENT ON TABLE gateway.performance_alerts IS 'Limits that metrics must keep, and whether they are broken now';
COMMENT ON COLUMN gateway.performance_alerts.server_id IS 'NULL for a limit of all servers together';
COMMENT ON COLUMN gateway.performance_alerts.duration_minutes IS 'How long the limit is broken before it counts';
COMMENT ON COLUMN gateway.performance_alerts.first_triggered IS 'When the limit was first broken this time';
COMMENT ON COLUMN gateway.performance_alerts.cooldown_minutes IS 'How long nobody is told again';
COMMENT ON COLUMN gateway.performance_alerts.acknowledged_at IS
    'When someone took it on; NULL again with the next time';
COMMENT ON INDEX gateway.idx_performance_alerts_name IS 'However often a limit is broken, it has one alert';
"""

VISIBLE: Final = "s.tenant_id IS NULL OR s.tenant_id = (SELECT public.current_app_tenant())"

EACH = """
ALTER TABLE gateway.{table} ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON gateway.{table} TO mcp_worker USING (true) WITH CHECK (true);
CREATE POLICY producer_own ON gateway.{table} FOR SELECT TO mcp_producer
    USING (server_id IN (SELECT s.id FROM gateway.mcp_servers s WHERE {visible}));
GRANT SELECT, INSERT, UPDATE, DELETE ON gateway.{table} TO mcp_worker;
GRANT SELECT ON gateway.{table} TO mcp_producer;
"""

TOUCH = """
CREATE TRIGGER {table}_updated_at BEFORE UPDATE ON gateway.{table}
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
"""

POLICY = """
INSERT INTO maintenance.data_retention_policies
       (schema_name, table_name, partition_column, retention_days, description)
VALUES ('gateway', 'server_metrics', 'timestamp', 30, 'A month of samples');
SELECT maintenance.ensure_partitions();
"""

STATES: Final = ("circuit_breakers", "connection_pools", "request_queues", "performance_alerts")


def upgrade() -> None:
    """Create the tables."""
    for statements in (METRICS, BREAKERS, POOLS, ALERTS):
        op.execute(statements)
    for table in STATES:
        op.execute(TOUCH.format(table=table))
    for table in ("server_metrics", *STATES):
        op.execute(EACH.format(table=table, visible=VISIBLE))
    op.execute(POLICY)


def downgrade() -> None:
    """Drop them."""
    op.execute(
        """
        DELETE FROM maintenance.data_retention_policies WHERE table_name = 'server_metrics';
        DROP TABLE gateway.performance_alerts;
        DROP TABLE gateway.request_queues;
        DROP TABLE gateway.connection_pools;
        DROP TABLE gateway.circuit_breakers;
        DROP TABLE gateway.server_metrics;
        """
    )

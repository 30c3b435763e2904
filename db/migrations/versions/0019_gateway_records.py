"""What went through the gateway: requests, calls of the protocol, and who did what."""

from typing import Final

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

AUDIT = """
CREATE TABLE gateway.audit_logs (
    id            uuid         NOT NULL DEFAULT gen_random_uuid(),
    tenant_id     text,
    user_id       uuid,
    service_name  varchar(100),
    action        varchar(100) NOT NULL,
    resource_type varchar(100) NOT NULL,
    resource_id   varchar(255),
    timestamp     timestamptz  NOT NULL DEFAULT now(),
    details       jsonb        NOT NULL DEFAULT '{}',
    request_id    varchar(255),
    ip_address    inet,
    user_agent    varchar(500),
    success       boolean      NOT NULL DEFAULT true,
    error_message text,
    created_at    timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT pk_audit_logs PRIMARY KEY (id, timestamp)
) PARTITION BY RANGE (timestamp);
CREATE INDEX idx_audit_logs_tenant_time ON gateway.audit_logs (tenant_id, timestamp DESC);
CREATE INDEX idx_audit_logs_action_resource ON gateway.audit_logs (action, resource_type, resource_id);
CREATE INDEX idx_audit_logs_user_success ON gateway.audit_logs (user_id, success, timestamp DESC)
    WHERE user_id IS NOT NULL;
CREATE INDEX idx_security_access_composite
    ON gateway.audit_logs (user_id, action, resource_type, success, timestamp DESC) WHERE user_id IS NOT NULL;
COMMENT ON TABLE gateway.audit_logs IS
    'Who did what through the gateway; no foreign keys, for a row outlives what it is about';
COMMENT ON COLUMN gateway.audit_logs.timestamp IS 'When it was done';
COMMENT ON COLUMN gateway.audit_logs.service_name IS 'Which service reports it';
COMMENT ON COLUMN gateway.audit_logs.details IS 'Without secrets';
"""

REQUESTS = """
CREATE TABLE gateway.request_logs (
    id                  uuid             NOT NULL DEFAULT gen_random_uuid(),
    request_id          varchar(255)     NOT NULL,
    tenant_id           text,
    user_id             uuid,
    ip_address          inet,
    method              varchar(10)      NOT NULL,
    path                varchar(500)     NOT NULL,
    query_params        jsonb            NOT NULL DEFAULT '{}',
    headers             jsonb            NOT NULL DEFAULT '{}',
    target_server_id    text,
    request_time        timestamptz      NOT NULL DEFAULT now(),
    response_time       timestamptz,
    duration_ms         double precision,
    status_code         integer,
    response_size_bytes bigint,
    error_type          varchar(100),
    error_message       text,
    request_metadata    jsonb            NOT NULL DEFAULT '{}',
    created_at          timestamptz      NOT NULL DEFAULT now(),
    CONSTRAINT pk_request_logs PRIMARY KEY (id, request_time),
    CONSTRAINT check_duration CHECK (duration_ms >= 0),
    CONSTRAINT check_status_code CHECK (status_code BETWEEN 100 AND 599),
    CONSTRAINT check_response_size CHECK (response_size_bytes >= 0)
) PARTITION BY RANGE (request_time);
CREATE INDEX idx_request_logs_request_id ON gateway.request_logs (request_id);
CREATE INDEX idx_request_logs_tenant_time ON gateway.request_logs (tenant_id, request_time DESC);
CREATE INDEX idx_request_logs_server_performance
    ON gateway.request_logs (target_server_id, duration_ms, status_code) WHERE target_server_id IS NOT NULL;
CREATE INDEX idx_request_logs_ip_path ON gateway.request_logs (ip_address, path) WHERE ip_address IS NOT NULL;
CREATE INDEX idx_request_routing_composite
    ON gateway.request_logs (path, method, target_server_id, duration_ms, request_time DESC) WHERE status_code < 400;
CREATE INDEX idx_tenant_utilization_composite
    ON gateway.request_logs (tenant_id, ((request_time AT TIME ZONE 'UTC')::date), status_code)
    WHERE tenant_id IS NOT NULL;
COMMENT ON TABLE gateway.request_logs IS 'One row per request that the gateway served';
COMMENT ON COLUMN gateway.request_logs.id IS
    'Derived from the message and the request''s place in it: the same on every delivery';
COMMENT ON COLUMN gateway.request_logs.headers IS 'Without those that carry secrets';
COMMENT ON COLUMN gateway.request_logs.target_server_id IS 'No foreign key, for the log outlives the server';
COMMENT ON COLUMN gateway.request_logs.request_time IS 'When the request came';
COMMENT ON COLUMN gateway.request_logs.response_time IS 'When it was answered';
COMMENT ON INDEX gateway.idx_tenant_utilization_composite IS 'Days are those of UTC';
"""

PROTOCOL = """
CREATE TABLE gateway.fastmcp_audit_log (
    id              uuid         NOT NULL DEFAULT gen_random_uuid(),
    tenant_id       varchar(255),
    user_id         varchar(255) NOT NULL,
    user_roles      jsonb        NOT NULL DEFAULT '[]',
    method          varchar(100) NOT NULL,
    params          jsonb        NOT NULL DEFAULT '{}',
    request_id      varchar(255),
    jsonrpc_version varchar(10)  NOT NULL DEFAULT '2.0',
    success         boolean      NOT NULL,
    duration_ms     integer      NOT NULL,
    error_code      integer,
    error_message   text,
    timestamp       timestamptz  NOT NULL DEFAULT now(),
    created_at      timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT pk_fastmcp_audit_log PRIMARY KEY (id, timestamp),
    CONSTRAINT check_duration CHECK (duration_ms >= 0)
) PARTITION BY RANGE (timestamp);
CREATE INDEX idx_fastmcp_audit_user_time ON gateway.fastmcp_audit_log (user_id, timestamp DESC);
CREATE INDEX idx_fastmcp_audit_method_success ON gateway.fastmcp_audit_log (method, success, timestamp DESC);
CREATE INDEX idx_fastmcp_audit_tenant_performance
    ON gateway.fastmcp_audit_log (tenant_id, duration_ms, timestamp DESC) WHERE tenant_id IS NOT NULL;
COMMENT ON TABLE gateway.fastmcp_audit_log IS 'Calls of the protocol: who called which method, and how it ended';
COMMENT ON COLUMN gateway.fastmcp_audit_log.user_id IS
    'As the caller''s credentials say; not necessarily one of our ids';
COMMENT ON COLUMN gateway.fastmcp_audit_log.params IS 'Without secrets';
COMMENT ON COLUMN gateway.fastmcp_audit_log.timestamp IS 'When the call was made';
"""

# Rows without a tenant are the operator's.
ISOLATION = """
ALTER TABLE gateway.{table} ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON gateway.{table} TO mcp_worker USING (true) WITH CHECK (true);
CREATE POLICY producer_own ON gateway.{table} FOR SELECT TO mcp_producer
    USING (tenant_id = (SELECT public.current_app_tenant()));
GRANT SELECT, INSERT ON gateway.{table} TO mcp_worker;
GRANT SELECT ON gateway.{table} TO mcp_producer;
"""

RIGHTS = """
-- Requests are measurements, which may be corrected; the other two are evidence.
GRANT UPDATE, DELETE ON gateway.request_logs TO mcp_worker;
CREATE POLICY reader_all ON gateway.request_logs FOR SELECT TO mcp_reader USING (true);
GRANT SELECT (tenant_id, user_id, request_time, duration_ms, status_code) ON gateway.request_logs TO mcp_reader;

INSERT INTO maintenance.data_retention_policies
       (schema_name, table_name, partition_column, retention_days, strategy, description)
VALUES ('gateway', 'audit_logs',        'timestamp',    365, 'detach_archive', 'A year, then archived'),
       ('gateway', 'request_logs',      'request_time', 90,  'detach_drop',    'A quarter of requests'),
       ('gateway', 'fastmcp_audit_log', 'timestamp',    90,  'detach_archive', 'A quarter, then archived');
SELECT maintenance.ensure_partitions();
"""

TABLES: Final = ("audit_logs", "request_logs", "fastmcp_audit_log")


def upgrade() -> None:
    """Create the tables."""
    for statements in (AUDIT, REQUESTS, PROTOCOL):
        op.execute(statements)
    for table in TABLES:
        op.execute(ISOLATION.format(table=table))
    op.execute(RIGHTS)


def downgrade() -> None:
    """Drop them."""
    op.execute(
        """
        DELETE FROM maintenance.data_retention_policies
         WHERE schema_name = 'gateway' AND table_name IN ('audit_logs', 'request_logs', 'fastmcp_audit_log');
        DROP TABLE gateway.fastmcp_audit_log;
        DROP TABLE gateway.request_logs;
        DROP TABLE gateway.audit_logs;
        """
    )

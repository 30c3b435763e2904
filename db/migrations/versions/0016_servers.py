"""The gateway's servers and what they offer."""

from typing import Final

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

SCHEMA = """
CREATE SCHEMA gateway;
COMMENT ON SCHEMA gateway IS 'The registry gateway: servers of tenants, who may use them, and what went through';
GRANT USAGE ON SCHEMA gateway TO mcp_worker, mcp_producer, mcp_reader;
"""

SERVERS = """
CREATE TABLE gateway.mcp_servers (
    id                 text             NOT NULL DEFAULT gen_random_uuid()::text,
    tenant_id          text,
    name               varchar(255)     NOT NULL,
    description        text,
    version            varchar(50)      NOT NULL DEFAULT '1.0.0',
    endpoint_url       varchar(500)     NOT NULL,
    transport_type     varchar(20)      NOT NULL DEFAULT 'http',
    status             varchar(20)      NOT NULL DEFAULT 'inactive',
    health_status      varchar(20)      NOT NULL DEFAULT 'UNKNOWN',
    is_public          boolean          NOT NULL DEFAULT false,
    capabilities       jsonb            NOT NULL DEFAULT '{}',
    tags               jsonb            NOT NULL DEFAULT '[]',
    configuration      jsonb            NOT NULL DEFAULT '{}',
    metadata           jsonb            NOT NULL DEFAULT '{}',
    health_metadata    jsonb            NOT NULL DEFAULT '{}',
    timeout_ms         integer          NOT NULL DEFAULT 30000,
    last_health_check  timestamptz,
    avg_response_time  double precision,
    success_rate       double precision,
    active_connections integer,
    created_by         uuid,
    expires_at         timestamptz,
    created_at         timestamptz      NOT NULL DEFAULT now(),
    updated_at         timestamptz      NOT NULL DEFAULT now(),
    deleted_at         timestamptz,
    CONSTRAINT pk_mcp_servers PRIMARY KEY (id),
    CONSTRAINT fk_mcp_servers_tenant_id_tenants
        FOREIGN KEY (tenant_id) REFERENCES public.tenants (id) ON DELETE CASCADE,
    CONSTRAINT fk_mcp_servers_created_by_users
        FOREIGN KEY (created_by) REFERENCES public.users (id) ON DELETE SET NULL,
    CONSTRAINT check_valid_url CHECK (transport_type = 'stdio' OR endpoint_url ~ '^(https?|wss?)://[^ ]+$'),
    CONSTRAINT check_positive_timeout CHECK (timeout_ms > 0),
    CONSTRAINT check_valid_date_range CHECK (expires_at > created_at),
    CONSTRAINT check_server_status CHECK (status IN ('active', 'inactive', 'maintenance')),
    CONSTRAINT check_health_status
        CHECK (health_status IN ('HEALTHY', 'UNHEALTHY', 'DEGRADED', 'UNKNOWN', 'MAINTENANCE')),
    CONSTRAINT check_transport_type
        CHECK (transport_type IN ('http', 'websocket', 'stdio', 'sse', 'streamable_http')),
    CONSTRAINT check_success_rate CHECK (success_rate BETWEEN 0 AND 100)
) WITH (fillfactor = 85);
CREATE INDEX idx_mcp_servers_tenant_id ON gateway.mcp_servers (tenant_id);
CREATE INDEX idx_mcp_servers_tenant_status ON gateway.mcp_servers (tenant_id, health_status);
CREATE INDEX idx_mcp_servers_tenant_id_status ON gateway.mcp_servers (tenant_id, status);
CREATE INDEX idx_mcp_servers_active ON gateway.mcp_servers (tenant_id) WHERE status = 'active';
CREATE INDEX idx_mcp_servers_endpoint_transport ON gateway.mcp_servers (endpoint_url, transport_type);
CREATE INDEX idx_mcp_servers_health_check_time ON gateway.mcp_servers (last_health_check)
    WHERE last_health_check IS NOT NULL;
CREATE INDEX idx_mcp_servers_performance ON gateway.mcp_servers (avg_response_time, success_rate)
    WHERE avg_response_time IS NOT NULL;
CREATE INDEX idx_servers_discovery_composite
    ON gateway.mcp_servers (health_status, transport_type, avg_response_time)
    WHERE health_status IN ('HEALTHY', 'DEGRADED');
CREATE INDEX idx_mcp_servers_config ON gateway.mcp_servers USING gin (configuration);
CREATE INDEX idx_mcp_servers_search ON gateway.mcp_servers
    USING gin (to_tsvector('english', name || ' ' || coalesce(description, '')));
CREATE INDEX idx_mcp_servers_created_by ON gateway.mcp_servers (created_by) WHERE created_by IS NOT NULL;
CREATE UNIQUE INDEX idx_mcp_servers_tenant_id_name ON gateway.mcp_servers (tenant_id, name) NULLS NOT DISTINCT
    WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX unique_active_server ON gateway.mcp_servers (tenant_id, endpoint_url) NULLS NOT DISTINCT
    WHERE status = 'active' AND deleted_at IS NULL;

COMMENT ON TABLE gateway.mcp_servers IS 'MCP servers that the gateway routes to';
COMMENT ON COLUMN gateway.mcp_servers.tenant_id IS 'NULL for a server of all tenants';
COMMENT ON COLUMN gateway.mcp_servers.endpoint_url IS 'A URL, or the command of a stdio server';
COMMENT ON COLUMN gateway.mcp_servers.status IS 'What people decided';
COMMENT ON COLUMN gateway.mcp_servers.health_status IS 'What probes found';
COMMENT ON COLUMN gateway.mcp_servers.avg_response_time IS 'Milliseconds';
COMMENT ON COLUMN gateway.mcp_servers.success_rate IS 'Per cent';
COMMENT ON COLUMN gateway.mcp_servers.deleted_at IS 'Soft delete: the row stays and its name may be used again';
COMMENT ON INDEX gateway.idx_mcp_servers_tenant_status IS 'By what probes found';
COMMENT ON INDEX gateway.idx_mcp_servers_tenant_id_status IS 'By what people decided';
"""

TOOLS = """
CREATE TABLE gateway.server_tools (
    id                 text             NOT NULL DEFAULT gen_random_uuid()::text,
    server_id          text             NOT NULL,
    name               varchar(255)     NOT NULL,
    description        text,
    tool_schema        jsonb            NOT NULL DEFAULT '{}',
    tags               jsonb            NOT NULL DEFAULT '[]',
    total_calls        bigint           NOT NULL DEFAULT 0,
    success_count      bigint           NOT NULL DEFAULT 0,
    error_count        bigint           NOT NULL DEFAULT 0,
    avg_execution_time double precision,
    created_at         timestamptz      NOT NULL DEFAULT now(),
    updated_at         timestamptz      NOT NULL DEFAULT now(),
    CONSTRAINT pk_server_tools PRIMARY KEY (id),
    CONSTRAINT uq_server_tools_server_id UNIQUE (server_id, name),
    CONSTRAINT fk_server_tools_server_id_mcp_servers
        FOREIGN KEY (server_id) REFERENCES gateway.mcp_servers (id) ON DELETE CASCADE,
    CONSTRAINT check_call_counts CHECK (total_calls >= 0 AND success_count >= 0 AND error_count >= 0)
) WITH (fillfactor = 85);
CREATE INDEX idx_server_tools_name_server ON gateway.server_tools (name, server_id);
CREATE INDEX idx_server_tools_usage_stats ON gateway.server_tools (total_calls, success_count) WHERE total_calls > 0;
CREATE INDEX idx_tools_discovery_performance
    ON gateway.server_tools (name, success_count, avg_execution_time, server_id) WHERE total_calls > 0;
COMMENT ON TABLE gateway.server_tools IS 'Tools that servers list';
COMMENT ON COLUMN gateway.server_tools.tool_schema IS 'JSON Schema of the arguments';
COMMENT ON COLUMN gateway.server_tools.avg_execution_time IS 'Milliseconds';

CREATE TABLE gateway.server_resources (
    id             text         NOT NULL DEFAULT gen_random_uuid()::text,
    server_id      text         NOT NULL,
    uri_template   varchar(500) NOT NULL,
    name           varchar(255),
    description    text,
    mime_type      varchar(100),
    total_accesses bigint       NOT NULL DEFAULT 0,
    avg_size_bytes bigint,
    created_at     timestamptz  NOT NULL DEFAULT now(),
    updated_at     timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT pk_server_resources PRIMARY KEY (id),
    CONSTRAINT uq_server_resources_server_id UNIQUE (server_id, uri_template),
    CONSTRAINT fk_server_resources_server_id_mcp_servers
        FOREIGN KEY (server_id) REFERENCES gateway.mcp_servers (id) ON DELETE CASCADE,
    CONSTRAINT check_access_counts CHECK (total_accesses >= 0 AND avg_size_bytes >= 0)
) WITH (fillfactor = 85);
CREATE INDEX idx_server_resources_uri_server ON gateway.server_resources (uri_template, server_id);
CREATE INDEX idx_server_resources_mime_type ON gateway.server_resources (mime_type) WHERE mime_type IS NOT NULL;
COMMENT ON TABLE gateway.server_resources IS 'Resources that servers list';
"""

# A server without a tenant is everybody's, and so is what belongs to it.
VISIBLE: Final = "tenant_id IS NULL OR tenant_id = (SELECT public.current_app_tenant())"

ISOLATION = """
CREATE POLICY producer_own ON gateway.mcp_servers FOR SELECT TO mcp_producer USING ({visible});
CREATE POLICY producer_own ON gateway.server_tools FOR SELECT TO mcp_producer
    USING (server_id IN (SELECT s.id FROM gateway.mcp_servers s WHERE {visible}));
CREATE POLICY producer_own ON gateway.server_resources FOR SELECT TO mcp_producer
    USING (server_id IN (SELECT s.id FROM gateway.mcp_servers s WHERE {visible}));
CREATE POLICY reader_all ON gateway.mcp_servers FOR SELECT TO mcp_reader USING (true);
GRANT SELECT ON gateway.mcp_servers, gateway.server_tools, gateway.server_resources TO mcp_producer;
-- Enough to count and average over all tenants.
GRANT SELECT (health_status, avg_response_time, success_rate) ON gateway.mcp_servers TO mcp_reader;
"""

EACH = """
CREATE TRIGGER {table}_updated_at BEFORE UPDATE ON gateway.{table}
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
ALTER TABLE gateway.{table} ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON gateway.{table} TO mcp_worker USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON gateway.{table} TO mcp_worker;
"""


def upgrade() -> None:
    """Create the schema and the tables."""
    for statements in (SCHEMA, SERVERS, TOOLS, ISOLATION.format(visible=VISIBLE)):
        op.execute(statements)
    for table in ("mcp_servers", "server_tools", "server_resources"):
        op.execute(EACH.format(table=table))


def downgrade() -> None:
    """Drop them."""
    op.execute(
        """
        DROP TABLE gateway.server_resources;
        DROP TABLE gateway.server_tools;
        DROP TABLE gateway.mcp_servers;
        DROP SCHEMA gateway;
        """
    )

"""What can be run: types of dedicated servers, and the shared services."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MCP_TYPES = """
CREATE TABLE mcp_types (
    id                   uuid         NOT NULL DEFAULT gen_random_uuid(),
    name                 varchar(50)  NOT NULL,
    display_name         varchar(100) NOT NULL,
    description          text,
    icon_url             varchar(500),
    server_script        varchar(255) NOT NULL,
    config_template      jsonb        NOT NULL DEFAULT '{}',
    required_scopes      jsonb        NOT NULL DEFAULT '[]',
    resource_limits      jsonb        NOT NULL DEFAULT '{"cpu": "0.5", "memory": "512m"}',
    max_duration_minutes integer      NOT NULL DEFAULT 60,
    is_active            boolean      NOT NULL DEFAULT true,
    created_at           timestamptz  NOT NULL DEFAULT now(),
    updated_at           timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT pk_mcp_types PRIMARY KEY (id),
    CONSTRAINT uq_mcp_types_name UNIQUE (name),
    CONSTRAINT check_max_duration CHECK (max_duration_minutes > 0)
);

COMMENT ON TABLE mcp_types IS 'Kinds of MCP server that a user may have an instance of';
COMMENT ON COLUMN mcp_types.name IS 'What messages call the type';
COMMENT ON COLUMN mcp_types.server_script IS 'What the host starts for an instance';
COMMENT ON COLUMN mcp_types.config_template IS 'Configuration that an instance starts from';
COMMENT ON COLUMN mcp_types.required_scopes IS 'OAuth scopes that a key of this type needs';
COMMENT ON COLUMN mcp_types.max_duration_minutes IS 'An instance that asks for longer gets this';

CREATE TRIGGER mcp_types_updated_at BEFORE UPDATE ON mcp_types
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
GRANT SELECT, INSERT, UPDATE, DELETE ON mcp_types TO mcp_worker;
GRANT SELECT ON mcp_types TO mcp_producer, mcp_reader;

INSERT INTO mcp_types (name, display_name, server_script, config_template) VALUES
    ('gmail',  'Gmail MCP',  './mcp-servers/gmail-mcp-server.js',  '{"api_version": "v1"}'),
    ('figma',  'Figma MCP',  './mcp-servers/figma-mcp-server.js',  '{"api_version": "v2"}'),
    ('github', 'GitHub MCP', './mcp-servers/github-mcp-server.js', '{"api_version": "v3"}');
"""

SERVICE_REGISTRY = """
CREATE TABLE service_registry (
    service_type          varchar(50)  NOT NULL,
    name                  varchar(100) NOT NULL,
    display_name          varchar(100) NOT NULL,
    description           text,
    icon_url              varchar(500),
    category              varchar(100),
    port                  integer      NOT NULL,
    base_url              varchar(255),
    health_check_endpoint varchar(255) NOT NULL DEFAULT '/health',
    auth_type             varchar(50)  NOT NULL DEFAULT 'api_key',
    auth_config           jsonb        NOT NULL DEFAULT '{}',
    service_config        jsonb        NOT NULL DEFAULT '{}',
    is_available          boolean      NOT NULL DEFAULT true,
    created_at            timestamptz  NOT NULL DEFAULT now(),
    updated_at            timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT pk_service_registry PRIMARY KEY (service_type),
    CONSTRAINT uq_service_registry_port UNIQUE (port),
    CONSTRAINT check_service_port CHECK (port BETWEEN 1024 AND 65535),
    CONSTRAINT check_auth_type CHECK (auth_type IN ('api_key', 'oauth2', 'basic_auth', 'none'))
);
CREATE INDEX idx_service_registry_category ON service_registry (category);
CREATE INDEX idx_service_registry_available ON service_registry (is_available);

COMMENT ON TABLE service_registry IS 'Shared services: one server for many users, each on a port of its own';
COMMENT ON COLUMN service_registry.auth_config IS 'How a user''s key reaches the service; never a key';

CREATE TRIGGER service_registry_updated_at BEFORE UPDATE ON service_registry
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
GRANT SELECT, INSERT, UPDATE, DELETE ON service_registry TO mcp_worker;
GRANT SELECT ON service_registry TO mcp_producer, mcp_reader;
"""


def upgrade() -> None:
    """Create the tables and the three types."""
    op.execute(MCP_TYPES)
    op.execute(SERVICE_REGISTRY)


def downgrade() -> None:
    """Drop the tables."""
    op.execute("DROP TABLE service_registry; DROP TABLE mcp_types")

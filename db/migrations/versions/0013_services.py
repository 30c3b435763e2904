"""Shared services: whose they are, how they are, and which dedicated type each takes the place of."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

REGISTRY = """
ALTER TABLE service_registry
    ADD CONSTRAINT check_service_type CHECK (service_type ~ '^[a-z0-9][a-z0-9_.-]*$'),
    ADD CONSTRAINT check_base_url CHECK (base_url ~ '^https?://[^ ]+$'),
    ADD CONSTRAINT check_health_check_endpoint CHECK (health_check_endpoint LIKE '/%');
COMMENT ON COLUMN service_registry.service_type IS 'What messages and URLs call the service';
COMMENT ON COLUMN service_registry.base_url IS 'Where it is reached; NULL for its port on this machine';
COMMENT ON COLUMN service_registry.health_check_endpoint IS 'The path that a probe asks for';
COMMENT ON COLUMN service_registry.service_config IS 'What the definition says beyond the columns';

ALTER TABLE mcp_types
    ADD COLUMN category     varchar(100),
    ADD COLUMN service_type varchar(50),
    ADD CONSTRAINT fk_mcp_types_service_type_service_registry FOREIGN KEY (service_type)
        REFERENCES service_registry (service_type) ON UPDATE CASCADE ON DELETE SET NULL;
CREATE INDEX idx_mcp_types_service_type ON mcp_types (service_type) WHERE service_type IS NOT NULL;
COMMENT ON COLUMN mcp_types.service_type IS
    'The shared service to which instances of this type move; NULL while there is none';

-- A service that is renamed takes what was learnt about its keys along.
ALTER TABLE api_key_validation_cache
    DROP CONSTRAINT fk_api_key_validation_cache_service_type_service_registry,
    ADD CONSTRAINT fk_api_key_validation_cache_service_type_service_registry FOREIGN KEY (service_type)
        REFERENCES service_registry (service_type) ON UPDATE CASCADE ON DELETE CASCADE;
"""

INSTANCES = """
CREATE TABLE user_service_instances (
    instance_id                      varchar(100) NOT NULL,
    user_id                          uuid         NOT NULL,
    service_type                     varchar(50)  NOT NULL,
    encrypted_api_key                text         NOT NULL,
    encrypted_additional_credentials jsonb        NOT NULL DEFAULT '{}',
    encryption_key_id                varchar(64)  NOT NULL,
    key_fingerprint                  varchar(64),
    is_active                        boolean      NOT NULL DEFAULT true,
    config                           jsonb        NOT NULL DEFAULT '{}',
    migrated_from_instance_id        uuid,
    created_at                       timestamptz  NOT NULL DEFAULT now(),
    updated_at                       timestamptz  NOT NULL DEFAULT now(),
    last_used_at                     timestamptz,
    usage_count                      bigint       NOT NULL DEFAULT 0,
    CONSTRAINT pk_user_service_instances PRIMARY KEY (instance_id),
    CONSTRAINT uq_user_service_instances_user_id UNIQUE (user_id, service_type),
    CONSTRAINT fk_user_service_instances_user_id_users
        FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT fk_user_service_instances_service_type_service_registry
        FOREIGN KEY (service_type) REFERENCES service_registry (service_type) ON UPDATE CASCADE,
    CONSTRAINT fk_user_service_instances_encryption_key_id_encryption_keys
        FOREIGN KEY (encryption_key_id) REFERENCES encryption_keys (key_id),
    CONSTRAINT check_encrypted_api_key CHECK (encrypted_api_key <> ''),
    CONSTRAINT check_usage_count CHECK (usage_count >= 0)
) WITH (fillfactor = 85);
CREATE INDEX idx_user_service_instances_user_id ON user_service_instances (user_id);
CREATE INDEX idx_user_service_instances_service_type ON user_service_instances (service_type);
CREATE INDEX idx_user_service_instances_active ON user_service_instances (is_active);
CREATE INDEX idx_user_service_instances_last_used ON user_service_instances (last_used_at);
CREATE INDEX idx_user_service_instances_encryption_key_id
    ON user_service_instances (encryption_key_id, instance_id);

COMMENT ON TABLE user_service_instances IS 'A user''s share of a shared service: one per user and service';
COMMENT ON COLUMN user_service_instances.instance_id IS
    'Part of the URL that the user is given, so it is random: who knows it may use the service';
COMMENT ON COLUMN user_service_instances.encrypted_api_key IS 'The user''s key for the service, encrypted at rest';
COMMENT ON COLUMN user_service_instances.encrypted_additional_credentials IS
    'Further secrets by name, each encrypted like the key';
COMMENT ON COLUMN user_service_instances.encryption_key_id IS 'The master key that the secrets are under';
COMMENT ON COLUMN user_service_instances.key_fingerprint IS 'Keyed hash, which joins the validation cache';
COMMENT ON COLUMN user_service_instances.migrated_from_instance_id IS
    'The dedicated instance that this one took the place of; no foreign key, for that one may be archived';
COMMENT ON COLUMN user_service_instances.usage_count IS 'Counted in batches';

CREATE TRIGGER user_service_instances_updated_at BEFORE UPDATE ON user_service_instances
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
ALTER TABLE user_service_instances ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON user_service_instances TO mcp_worker USING (true) WITH CHECK (true);
CREATE POLICY reader_all ON user_service_instances FOR SELECT TO mcp_reader USING (true);
CREATE POLICY producer_own ON user_service_instances FOR SELECT TO mcp_producer
    USING (user_id = (SELECT current_app_user()));
GRANT SELECT, INSERT, UPDATE, DELETE ON user_service_instances TO mcp_worker;
GRANT SELECT (instance_id, user_id, service_type, is_active, config, created_at, updated_at, last_used_at, usage_count)
    ON user_service_instances TO mcp_producer;
-- Enough to count users of a service; neither whose they are nor the URLs.
GRANT SELECT (service_type, is_active) ON user_service_instances TO mcp_reader;
"""

HEALTH = """
CREATE TABLE service_health_status (
    service_type         varchar(50)  NOT NULL,
    is_healthy           boolean      NOT NULL DEFAULT true,
    last_health_check    timestamptz  NOT NULL DEFAULT now(),
    response_time_ms     integer,
    error_message        text,
    consecutive_failures integer      NOT NULL DEFAULT 0,
    uptime_percentage    numeric(5,2) NOT NULL DEFAULT 100.00,
    created_at           timestamptz  NOT NULL DEFAULT now(),
    updated_at           timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT pk_service_health_status PRIMARY KEY (service_type),
    CONSTRAINT fk_service_health_status_service_type_service_registry FOREIGN KEY (service_type)
        REFERENCES service_registry (service_type) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT check_response_time CHECK (response_time_ms >= 0),
    CONSTRAINT check_consecutive_failures CHECK (consecutive_failures >= 0),
    CONSTRAINT check_uptime_percentage CHECK (uptime_percentage BETWEEN 0 AND 100)
) WITH (fillfactor = 70);
CREATE INDEX idx_service_health_status_healthy ON service_health_status (is_healthy);
CREATE INDEX idx_service_health_status_last_check ON service_health_status (last_health_check);

COMMENT ON TABLE service_health_status IS 'How each shared service is now';
COMMENT ON COLUMN service_health_status.last_health_check IS 'Before the first check: when the service was registered';

CREATE TRIGGER service_health_status_updated_at BEFORE UPDATE ON service_health_status
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
GRANT SELECT, INSERT, UPDATE, DELETE ON service_health_status TO mcp_worker;
GRANT SELECT ON service_health_status TO mcp_producer, mcp_reader;
"""

FIRST_SERVICES = """
INSERT INTO service_registry (service_type, name, display_name, port, category, auth_type) VALUES
    ('figma',  'figma',  'Figma',  49160, 'design',        'api_key'),
    ('github', 'github', 'GitHub', 49294, 'development',   'oauth2'),
    ('slack',  'slack',  'Slack',  49320, 'communication', 'oauth2'),
    ('gmail',  'gmail',  'Gmail',  49250, 'communication', 'oauth2'),
    ('trello', 'trello', 'Trello', 49330, 'productivity',  'api_key')
ON CONFLICT DO NOTHING;
INSERT INTO service_health_status (service_type) SELECT service_type FROM service_registry;
UPDATE mcp_types t SET service_type = r.service_type, category = r.category
  FROM service_registry r WHERE r.service_type = t.name;
"""


def upgrade() -> None:
    """Create the tables, and register the first services."""
    for statements in (REGISTRY, INSTANCES, HEALTH, FIRST_SERVICES):
        op.execute(statements)


def downgrade() -> None:
    """Drop the tables; services stay registered, for results of validating keys may refer to them."""
    op.execute(
        """
        DROP TABLE service_health_status;
        DROP TABLE user_service_instances;
        ALTER TABLE api_key_validation_cache
            DROP CONSTRAINT fk_api_key_validation_cache_service_type_service_registry,
            ADD CONSTRAINT fk_api_key_validation_cache_service_type_service_registry
                FOREIGN KEY (service_type) REFERENCES service_registry (service_type) ON DELETE CASCADE;
        ALTER TABLE mcp_types DROP COLUMN service_type, DROP COLUMN category;
        ALTER TABLE service_registry
            DROP CONSTRAINT check_health_check_endpoint, DROP CONSTRAINT check_base_url,
            DROP CONSTRAINT check_service_type;
        COMMENT ON COLUMN service_registry.service_type IS NULL;
        COMMENT ON COLUMN service_registry.base_url IS NULL;
        COMMENT ON COLUMN service_registry.health_check_endpoint IS NULL;
        COMMENT ON COLUMN service_registry.service_config IS NULL;
        """
    )

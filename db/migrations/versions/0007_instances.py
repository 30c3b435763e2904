"""Instances, the ports they hold, what happened to them, and the settings that bound them."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SETTINGS = """
CREATE TABLE system_settings (
    key         varchar(100) NOT NULL,
    value       jsonb        NOT NULL,
    description text,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    updated_at  timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT pk_system_settings PRIMARY KEY (key)
);
COMMENT ON TABLE system_settings IS 'Settings that operators change while the system runs';
CREATE TRIGGER system_settings_updated_at BEFORE UPDATE ON system_settings
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
GRANT SELECT, INSERT, UPDATE, DELETE ON system_settings TO mcp_worker;
GRANT SELECT ON system_settings TO mcp_producer, mcp_reader;

INSERT INTO system_settings (key, value, description) VALUES
    ('encryption.algorithm',         '"aes-256-gcm"', 'Encryption algorithm for API keys'),
    ('mcp.default_duration_minutes', '60',            'Default MCP instance duration'),
    ('mcp.max_instances_per_user',   '10',            'Maximum concurrent MCP instances per user'),
    ('cleanup.retention_days',       '30',            'Days to retain logs and expired instances'),
    ('port.range_start',             '3001',          'Starting port for MCP instances'),
    ('port.range_end',               '3100',          'Ending port for MCP instances'),
    ('process.max_memory_mb',        '512',           'Maximum memory per MCP process in MB'),
    ('process.max_cpu_percent',      '50',            'Maximum CPU usage per MCP process');
"""

INSTANCES = """
CREATE TABLE mcp_instances (
    id                 uuid         NOT NULL DEFAULT gen_random_uuid(),
    user_id            uuid         NOT NULL,
    mcp_type_id        uuid         NOT NULL,
    api_key_id         uuid,
    name               varchar(255),
    host_id            varchar(255) NOT NULL DEFAULT 'local',
    process_id         integer,
    process_started_at timestamptz,
    access_token_hash  varchar(64)  NOT NULL,
    access_token_hint  varchar(20),
    access_url         varchar(500),
    assigned_port      integer,
    status             varchar(20)  NOT NULL DEFAULT 'pending',
    is_active          boolean      GENERATED ALWAYS AS
                                    (status IN ('pending', 'running') AND deleted_at IS NULL) STORED,
    expires_at         timestamptz  NOT NULL,
    config             jsonb        NOT NULL DEFAULT '{}',
    error_message      text,
    last_accessed      timestamptz,
    last_health_check  timestamptz,
    stats              jsonb        NOT NULL DEFAULT '{}',
    created_at         timestamptz  NOT NULL DEFAULT now(),
    updated_at         timestamptz  NOT NULL DEFAULT now(),
    deleted_at         timestamptz,
    CONSTRAINT pk_mcp_instances PRIMARY KEY (id),
    CONSTRAINT uq_mcp_instances_access_token_hash UNIQUE (access_token_hash),
    CONSTRAINT fk_mcp_instances_user_id_users FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT fk_mcp_instances_mcp_type_id_mcp_types FOREIGN KEY (mcp_type_id) REFERENCES mcp_types (id),
    CONSTRAINT fk_mcp_instances_api_key_id_api_keys
        FOREIGN KEY (api_key_id) REFERENCES api_keys (id) ON DELETE SET NULL,
    CONSTRAINT check_status CHECK (status IN ('pending', 'running', 'expired', 'disconnected', 'error')),
    CONSTRAINT check_port_range CHECK (assigned_port BETWEEN 3001 AND 65535),
    CONSTRAINT check_access_url CHECK (access_url IS NOT NULL OR status NOT IN ('pending', 'running')),
    CONSTRAINT check_access_token_hash CHECK (access_token_hash ~ '^[0-9a-f]{64}$')
) WITH (fillfactor = 85);

CREATE INDEX idx_mcp_instances_status ON mcp_instances (status) WHERE deleted_at IS NULL;
CREATE INDEX idx_mcp_instances_expires_at ON mcp_instances (expires_at) WHERE deleted_at IS NULL;
CREATE INDEX idx_mcp_instances_access_token ON mcp_instances (access_token_hash) WHERE deleted_at IS NULL;
CREATE INDEX idx_mcp_instances_port ON mcp_instances (assigned_port) WHERE deleted_at IS NULL;
CREATE INDEX idx_mcp_instances_process_id ON mcp_instances (process_id) WHERE deleted_at IS NULL;
CREATE INDEX idx_mcp_instances_user_status ON mcp_instances (user_id, status) WHERE deleted_at IS NULL;
CREATE INDEX idx_mcp_instances_type ON mcp_instances (mcp_type_id) WHERE deleted_at IS NULL;
CREATE INDEX idx_mcp_instances_api_key_id ON mcp_instances (api_key_id) WHERE api_key_id IS NOT NULL;
CREATE UNIQUE INDEX idx_mcp_instances_live_port ON mcp_instances (host_id, assigned_port)
    WHERE deleted_at IS NULL AND status IN ('pending', 'running');

COMMENT ON TABLE mcp_instances IS 'One running or once running MCP server of a user';
COMMENT ON COLUMN mcp_instances.host_id IS 'The machine; ports and process ids mean something only on theirs';
COMMENT ON COLUMN mcp_instances.process_started_at IS 'Tells a process from a later one with the same process_id';
COMMENT ON COLUMN mcp_instances.access_token_hash IS
    'SHA-256 in hex; the token itself is shown to its owner once and kept nowhere';
COMMENT ON COLUMN mcp_instances.access_token_hint IS 'The last characters, for people to tell tokens apart';
COMMENT ON COLUMN mcp_instances.access_url IS 'NULL only for an instance that never got a port';
COMMENT ON COLUMN mcp_instances.assigned_port IS
    'Stays after the port was given back; idx_mcp_instances_live_port keeps it unique among live ones';
COMMENT ON COLUMN mcp_instances.stats IS 'Latest CPU and memory of the process';
COMMENT ON COLUMN mcp_instances.deleted_at IS 'Soft delete, which is final';
COMMENT ON INDEX idx_mcp_instances_live_port IS 'No two live instances of a host share a port';

CREATE TRIGGER mcp_instances_updated_at BEFORE UPDATE ON mcp_instances
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
ALTER TABLE mcp_instances ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON mcp_instances TO mcp_worker USING (true) WITH CHECK (true);
CREATE POLICY producer_own ON mcp_instances FOR SELECT TO mcp_producer USING (user_id = (SELECT current_app_user()));
GRANT SELECT, INSERT, UPDATE, DELETE ON mcp_instances TO mcp_worker;
GRANT SELECT ON mcp_instances TO mcp_producer;

-- Each statement of a VOLATILE function sees what was committed before it began, so the count comes after the wait for
-- the lock.  In one plain statement, however it is written, the count would be as old as the statement's snapshot.
CREATE FUNCTION count_live_instances(p_user_id uuid) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM public.users u
      WHERE u.id = p_user_id AND u.is_active AND u.deleted_at IS NULL FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    RETURN (SELECT count(*) FROM public.mcp_instances i
             WHERE i.user_id = p_user_id AND i.status IN ('pending', 'running') AND i.deleted_at IS NULL);
END $$;
COMMENT ON FUNCTION count_live_instances(uuid) IS
    'Locks an active user until the transaction ends and counts the user''s live instances; NULL for an unknown user';
REVOKE EXECUTE ON FUNCTION count_live_instances(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION count_live_instances(uuid) TO mcp_worker;
"""

PORTS = """
CREATE TABLE port_allocations (
    host_id           varchar(255) NOT NULL DEFAULT 'local',
    port              integer      NOT NULL,
    mcp_instance_id   uuid,
    allocated_at      timestamptz,
    released_at       timestamptz,
    is_available      boolean      NOT NULL DEFAULT true,
    last_health_check timestamptz,
    created_at        timestamptz  NOT NULL DEFAULT now(),
    updated_at        timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT pk_port_allocations PRIMARY KEY (host_id, port),
    CONSTRAINT fk_port_allocations_mcp_instance_id_mcp_instances
        FOREIGN KEY (mcp_instance_id) REFERENCES mcp_instances (id) ON DELETE SET NULL,
    CONSTRAINT check_port CHECK (port BETWEEN 3001 AND 65535),
    CONSTRAINT check_available_port CHECK (NOT is_available OR mcp_instance_id IS NULL)
) WITH (fillfactor = 70);
CREATE INDEX idx_port_allocations_available ON port_allocations (is_available, port);
CREATE UNIQUE INDEX idx_port_allocations_mcp ON port_allocations (mcp_instance_id) WHERE mcp_instance_id IS NOT NULL;
CREATE INDEX idx_port_allocations_lease ON port_allocations (host_id, released_at NULLS FIRST, port) WHERE is_available;

COMMENT ON TABLE port_allocations IS 'The ports of each host and which instance leases them';
COMMENT ON COLUMN port_allocations.is_available IS
    'May be leased; a port that is neither available nor leased lost its instance and waits to be reconciled';
COMMENT ON INDEX idx_port_allocations_lease IS
    'The port that has rested longest is leased first, so a late client of the last tenant does not meet the next one';

CREATE TRIGGER port_allocations_updated_at BEFORE UPDATE ON port_allocations
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
GRANT SELECT, INSERT, UPDATE, DELETE ON port_allocations TO mcp_worker;
GRANT SELECT ON port_allocations TO mcp_reader;

INSERT INTO port_allocations (port) SELECT generate_series(3001, 3100);
"""

EVENTS = """
CREATE TABLE mcp_events (
    id              uuid        NOT NULL DEFAULT gen_random_uuid(),
    mcp_instance_id uuid        NOT NULL,
    user_id         uuid,
    event_type      varchar(50) NOT NULL,
    event_data      jsonb       NOT NULL DEFAULT '{}',
    ip_address      inet,
    user_agent      text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_mcp_events PRIMARY KEY (id, created_at),
    CONSTRAINT fk_mcp_events_mcp_instance_id_mcp_instances
        FOREIGN KEY (mcp_instance_id) REFERENCES mcp_instances (id) ON DELETE CASCADE,
    CONSTRAINT fk_mcp_events_user_id_users FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL
) PARTITION BY RANGE (created_at);
CREATE INDEX idx_mcp_events_instance ON mcp_events (mcp_instance_id, created_at DESC);
CREATE INDEX idx_mcp_events_user_id ON mcp_events (user_id) WHERE user_id IS NOT NULL;

COMMENT ON TABLE mcp_events IS
    'What happened to instances, and what was refused; a worker may add rows but not change or delete them';
COMMENT ON COLUMN mcp_events.event_type IS 'created, started, error, expired, deleted, or refused_ and the verb';
COMMENT ON COLUMN mcp_events.created_at IS 'When it was recorded; when it happened is in event_data';

ALTER TABLE mcp_events ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON mcp_events TO mcp_worker USING (true) WITH CHECK (true);
CREATE POLICY producer_own ON mcp_events FOR SELECT TO mcp_producer USING (
    mcp_instance_id IN (SELECT i.id FROM mcp_instances i WHERE i.user_id = (SELECT current_app_user()))
);
GRANT SELECT, INSERT ON mcp_events TO mcp_worker;
GRANT SELECT ON mcp_events TO mcp_producer;

INSERT INTO maintenance.data_retention_policies (table_name, partition_column, retention_days, description)
VALUES ('mcp_events', 'created_at', 365, 'A year of events');
SELECT maintenance.ensure_partitions();
"""


def upgrade() -> None:
    """Create the tables, the settings and the pool of ports."""
    for statements in (SETTINGS, INSTANCES, PORTS, EVENTS):
        op.execute(statements)


def downgrade() -> None:
    """Drop them."""
    op.execute(
        """
        DELETE FROM maintenance.data_retention_policies WHERE table_name = 'mcp_events';
        DROP TABLE mcp_events;
        DROP TABLE port_allocations;
        DROP FUNCTION count_live_instances(uuid);
        DROP TABLE mcp_instances;
        DROP TABLE system_settings;
        """
    )

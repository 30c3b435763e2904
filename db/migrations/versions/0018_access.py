"""Who may use the gateway: sessions, keys, and rights on servers."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

SESSIONS = """
CREATE TABLE gateway.sessions (
    id                 text         NOT NULL DEFAULT gen_random_uuid()::text,
    user_id            uuid         NOT NULL,
    session_token_hash varchar(64)  NOT NULL,
    ip_address         inet,
    user_agent         varchar(500),
    session_data       jsonb        NOT NULL DEFAULT '{}',
    is_active          boolean      NOT NULL DEFAULT true,
    last_activity      timestamptz  NOT NULL DEFAULT now(),
    expires_at         timestamptz  NOT NULL,
    created_at         timestamptz  NOT NULL DEFAULT now(),
    updated_at         timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT pk_sessions PRIMARY KEY (id),
    CONSTRAINT uq_sessions_session_token_hash UNIQUE (session_token_hash),
    CONSTRAINT fk_sessions_user_id_users
        FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE,
    CONSTRAINT check_session_token_hash CHECK (session_token_hash ~ '^[0-9a-f]{64}$'),
    CONSTRAINT check_session_expiry CHECK (expires_at > created_at)
) WITH (fillfactor = 85);
CREATE INDEX idx_sessions_user_active ON gateway.sessions (user_id, is_active, expires_at);
CREATE INDEX idx_sessions_activity_time ON gateway.sessions (last_activity DESC) WHERE is_active = true;
CREATE INDEX idx_sessions_expires_at ON gateway.sessions (expires_at);
COMMENT ON TABLE gateway.sessions IS 'People who are signed in';
COMMENT ON COLUMN gateway.sessions.session_token_hash IS 'SHA-256 in hex; the token itself is kept nowhere';
COMMENT ON INDEX gateway.idx_sessions_expires_at IS 'For tidying up, oldest first';
"""

KEYS = """
CREATE TABLE gateway.api_keys (
    id               text         NOT NULL DEFAULT gen_random_uuid()::text,
    tenant_id        text,
    user_id          uuid,
    name             varchar(255) NOT NULL,
    key_hash         varchar(255) NOT NULL,
    key_prefix       varchar(20)  NOT NULL,
    permissions      jsonb        NOT NULL DEFAULT '[]',
    scopes           jsonb        NOT NULL DEFAULT '[]',
    is_active        boolean      NOT NULL DEFAULT true,
    expires_at       timestamptz,
    last_used        timestamptz,
    total_requests   bigint       NOT NULL DEFAULT 0,
    api_key_metadata jsonb        NOT NULL DEFAULT '{}',
    created_at       timestamptz  NOT NULL DEFAULT now(),
    updated_at       timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT pk_api_keys PRIMARY KEY (id),
    CONSTRAINT uq_api_keys_key_hash UNIQUE (key_hash),
    CONSTRAINT fk_api_keys_tenant_id_tenants
        FOREIGN KEY (tenant_id) REFERENCES public.tenants (id) ON DELETE CASCADE,
    CONSTRAINT fk_api_keys_user_id_users
        FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE,
    CONSTRAINT check_key_owner CHECK (num_nonnulls(tenant_id, user_id) > 0),
    CONSTRAINT check_key_expiry CHECK (expires_at > created_at)
) WITH (fillfactor = 85);
CREATE INDEX idx_api_keys_tenant_active ON gateway.api_keys (tenant_id, is_active);
CREATE INDEX idx_api_keys_expiration ON gateway.api_keys (expires_at)
    WHERE is_active = true AND expires_at IS NOT NULL;
CREATE INDEX idx_api_keys_usage ON gateway.api_keys (last_used DESC, total_requests) WHERE is_active = true;
CREATE INDEX idx_api_keys_user_id ON gateway.api_keys (user_id) WHERE user_id IS NOT NULL;
COMMENT ON TABLE gateway.api_keys IS
    'Keys with which clients come to the gateway; public.api_keys go out to third parties';
COMMENT ON COLUMN gateway.api_keys.key_hash IS 'Keyed hash; the key itself is shown once and kept nowhere';
COMMENT ON COLUMN gateway.api_keys.key_prefix IS 'The first characters, for people to tell keys apart';

CREATE TABLE gateway.enhanced_api_keys (
    id                  text         NOT NULL DEFAULT gen_random_uuid()::text,
    tenant_id           text,
    user_id             uuid,
    name                varchar(255) NOT NULL,
    description         text,
    key_hash            varchar(255) NOT NULL,
    key_prefix          varchar(20)  NOT NULL,
    salt                varchar(255) NOT NULL,
    scopes              jsonb        NOT NULL DEFAULT '[]',
    allowed_servers     jsonb        NOT NULL DEFAULT '[]',
    allowed_methods     jsonb        NOT NULL DEFAULT '[]',
    ip_whitelist        jsonb        NOT NULL DEFAULT '[]',
    rate_limit_per_hour integer      NOT NULL DEFAULT 1000,
    rate_limit_per_day  integer      NOT NULL DEFAULT 10000,
    is_active           boolean      NOT NULL DEFAULT true,
    expires_at          timestamptz,
    last_used           timestamptz,
    total_requests      bigint       NOT NULL DEFAULT 0,
    total_errors        bigint       NOT NULL DEFAULT 0,
    last_success        timestamptz,
    last_error          timestamptz,
    failed_attempts     integer      NOT NULL DEFAULT 0,
    last_failed_attempt timestamptz,
    is_locked           boolean      NOT NULL DEFAULT false,
    locked_until        timestamptz,
    created_at          timestamptz  NOT NULL DEFAULT now(),
    updated_at          timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT pk_enhanced_api_keys PRIMARY KEY (id),
    CONSTRAINT uq_enhanced_api_keys_key_hash UNIQUE (key_hash),
    CONSTRAINT fk_enhanced_api_keys_tenant_id_tenants
        FOREIGN KEY (tenant_id) REFERENCES public.tenants (id) ON DELETE CASCADE,
    CONSTRAINT fk_enhanced_api_keys_user_id_users
        FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE,
    CONSTRAINT check_enhanced_key_owner CHECK (num_nonnulls(tenant_id, user_id) > 0),
    CONSTRAINT check_enhanced_key_expiry CHECK (expires_at > created_at),
    CONSTRAINT check_rate_limits CHECK (rate_limit_per_hour > 0 AND rate_limit_per_day > 0)
) WITH (fillfactor = 85);
CREATE INDEX idx_enhanced_api_keys_tenant_active ON gateway.enhanced_api_keys (tenant_id, is_active);
CREATE INDEX idx_enhanced_api_keys_user_id ON gateway.enhanced_api_keys (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX idx_enhanced_api_keys_expires_at ON gateway.enhanced_api_keys (expires_at) WHERE expires_at IS NOT NULL;
COMMENT ON TABLE gateway.enhanced_api_keys IS
    'Keys that are bound to servers, methods, addresses and rates, and locked after failed attempts';
COMMENT ON COLUMN gateway.enhanced_api_keys.key_hash IS 'Hash with the salt; the key itself is kept nowhere';
COMMENT ON COLUMN gateway.enhanced_api_keys.allowed_servers IS 'Ids of servers; empty for all that the owner may use';
COMMENT ON COLUMN gateway.enhanced_api_keys.ip_whitelist IS 'Addresses and networks; empty for all';
COMMENT ON COLUMN gateway.enhanced_api_keys.failed_attempts IS 'In a row';
"""

RIGHTS = """
CREATE TABLE gateway.server_access_control (
    id                text        NOT NULL DEFAULT gen_random_uuid()::text,
    server_id         text        NOT NULL,
    user_id           uuid,
    tenant_id         text,
    api_key_id        text,
    can_read          boolean     NOT NULL DEFAULT true,
    can_write         boolean     NOT NULL DEFAULT false,
    can_admin         boolean     NOT NULL DEFAULT false,
    can_proxy         boolean     NOT NULL DEFAULT true,
    allowed_methods   jsonb       NOT NULL DEFAULT '[]',
    denied_methods    jsonb       NOT NULL DEFAULT '[]',
    access_start_time timestamptz,
    access_end_time   timestamptz,
    allowed_days      jsonb       NOT NULL DEFAULT '[]',
    allowed_hours     jsonb       NOT NULL DEFAULT '[]',
    is_active         boolean     NOT NULL DEFAULT true,
    last_access       timestamptz,
    access_count      bigint      NOT NULL DEFAULT 0,
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_server_access_control PRIMARY KEY (id),
    CONSTRAINT fk_server_access_control_server_id_mcp_servers
        FOREIGN KEY (server_id) REFERENCES gateway.mcp_servers (id) ON DELETE CASCADE,
    CONSTRAINT fk_server_access_control_user_id_users
        FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE,
    CONSTRAINT fk_server_access_control_tenant_id_tenants
        FOREIGN KEY (tenant_id) REFERENCES public.tenants (id) ON DELETE CASCADE,
    CONSTRAINT fk_server_access_control_api_key_id_enhanced_api_keys
        FOREIGN KEY (api_key_id) REFERENCES gateway.enhanced_api_keys (id) ON DELETE CASCADE,
    CONSTRAINT check_one_subject CHECK (num_nonnulls(user_id, tenant_id, api_key_id) = 1),
    CONSTRAINT check_access_window CHECK (access_end_time > access_start_time)
) WITH (fillfactor = 85);
CREATE INDEX idx_server_access_control_lookup ON gateway.server_access_control (server_id, user_id, tenant_id);
CREATE INDEX idx_server_access_control_user_id ON gateway.server_access_control (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX idx_server_access_control_tenant_id ON gateway.server_access_control (tenant_id)
    WHERE tenant_id IS NOT NULL;
CREATE INDEX idx_server_access_control_api_key_id ON gateway.server_access_control (api_key_id)
    WHERE api_key_id IS NOT NULL;
COMMENT ON TABLE gateway.server_access_control IS 'What one user, one tenant or one key may do on a server';
COMMENT ON COLUMN gateway.server_access_control.allowed_days IS 'Days of the week, 1 for Monday; empty for all';
COMMENT ON COLUMN gateway.server_access_control.allowed_hours IS 'Hours of the day in UTC; empty for all';
"""

OWN = """
CREATE POLICY producer_own ON gateway.sessions FOR SELECT TO mcp_producer
    USING (user_id = (SELECT public.current_app_user()));
CREATE POLICY producer_own ON gateway.api_keys FOR SELECT TO mcp_producer USING (
    tenant_id = (SELECT public.current_app_tenant()) OR user_id = (SELECT public.current_app_user())
);
CREATE POLICY producer_own ON gateway.enhanced_api_keys FOR SELECT TO mcp_producer USING (
    tenant_id = (SELECT public.current_app_tenant()) OR user_id = (SELECT public.current_app_user())
);
CREATE POLICY producer_own ON gateway.server_access_control FOR SELECT TO mcp_producer USING (
    tenant_id = (SELECT public.current_app_tenant()) OR user_id = (SELECT public.current_app_user())
    OR api_key_id IN (SELECT k.id FROM gateway.enhanced_api_keys k WHERE
        k.tenant_id = (SELECT public.current_app_tenant()) OR k.user_id = (SELECT public.current_app_user()))
);
-- No hash and no salt leaves the workers.
GRANT SELECT (id, user_id, ip_address, user_agent, is_active, last_activity, expires_at, created_at, updated_at)
    ON gateway.sessions TO mcp_producer;
GRANT SELECT (id, tenant_id, user_id, name, key_prefix, permissions, scopes, is_active, expires_at, last_used,
              total_requests, api_key_metadata, created_at, updated_at) ON gateway.api_keys TO mcp_producer;
GRANT SELECT (id, tenant_id, user_id, name, description, key_prefix, scopes, allowed_servers, allowed_methods,
              ip_whitelist, rate_limit_per_hour, rate_limit_per_day, is_active, expires_at, last_used,
              total_requests, total_errors, last_success, last_error, is_locked, locked_until, created_at, updated_at)
    ON gateway.enhanced_api_keys TO mcp_producer;
GRANT SELECT ON gateway.server_access_control TO mcp_producer;
"""

EACH = """
CREATE TRIGGER {table}_updated_at BEFORE UPDATE ON gateway.{table}
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
ALTER TABLE gateway.{table} ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON gateway.{table} TO mcp_worker USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON gateway.{table} TO mcp_worker;
"""


def upgrade() -> None:
    """Create the tables."""
    for statements in (SESSIONS, KEYS, RIGHTS):
        op.execute(statements)
    for table in ("sessions", "api_keys", "enhanced_api_keys", "server_access_control"):
        op.execute(EACH.format(table=table))
    op.execute(OWN)


def downgrade() -> None:
    """Drop them."""
    op.execute(
        """
        DROP TABLE gateway.server_access_control;
        DROP TABLE gateway.enhanced_api_keys;
        DROP TABLE gateway.api_keys;
        DROP TABLE gateway.sessions;
        """
    )

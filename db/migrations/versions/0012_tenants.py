"""Tenants, organizations with roles, and what a user is in them."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

CONTEXT = """
CREATE FUNCTION current_app_tenant() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT nullif(current_setting('app.tenant_id', true), '')
$$;
COMMENT ON FUNCTION current_app_tenant() IS
    'The tenant for which a producer''s transaction runs; NULL, which matches no row, when none is set';
REVOKE EXECUTE ON FUNCTION current_app_tenant() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION current_app_tenant() TO mcp_producer;

CREATE TYPE user_role AS ENUM ('admin', 'manager', 'developer', 'analyst', 'viewer', 'guest');
COMMENT ON TYPE user_role IS 'What a user may do, from most to least; the only native enum, for it will hardly change';
"""

TENANTS = """
CREATE TABLE tenants (
    id          text         NOT NULL DEFAULT gen_random_uuid()::text,
    name        varchar(255) NOT NULL,
    description text,
    status      varchar(20)  NOT NULL DEFAULT 'active',
    settings    jsonb        NOT NULL DEFAULT '{}',
    created_at  timestamptz  NOT NULL DEFAULT now(),
    updated_at  timestamptz  NOT NULL DEFAULT now(),
    deleted_at  timestamptz,
    CONSTRAINT pk_tenants PRIMARY KEY (id),
    CONSTRAINT check_tenant_id CHECK (length(id) BETWEEN 1 AND 64),
    CONSTRAINT check_tenant_status CHECK (status IN ('active', 'suspended', 'disabled'))
);
CREATE UNIQUE INDEX idx_tenants_name ON tenants (lower(name)) WHERE deleted_at IS NULL;

COMMENT ON TABLE tenants IS 'Customers of the gateway; whatever has a tenant is seen by that tenant alone';
COMMENT ON COLUMN tenants.id IS 'Text, for gateways bring ids of their own';
COMMENT ON COLUMN tenants.name IS 'Unique among tenants that are not deleted, whatever its case';
COMMENT ON COLUMN tenants.deleted_at IS 'Soft delete: the row stays and its name may be used again';

CREATE TRIGGER tenants_updated_at BEFORE UPDATE ON tenants
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON tenants TO mcp_worker USING (true) WITH CHECK (true);
CREATE POLICY producer_own ON tenants FOR SELECT TO mcp_producer USING (id = (SELECT current_app_tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON tenants TO mcp_worker;
GRANT SELECT ON tenants TO mcp_producer;
"""

USERS = """
ALTER TABLE users
    ADD COLUMN tenant_id         text,
    ADD COLUMN username          varchar(255),
    ADD COLUMN avatar_url        text,
    ADD COLUMN role              user_role NOT NULL DEFAULT 'viewer',
    ADD COLUMN auth_provider     varchar(50),
    ADD COLUMN auth_provider_id  varchar(255),
    ADD COLUMN email_verified_at timestamptz,
    ADD COLUMN user_metadata     jsonb NOT NULL DEFAULT '{}',
    ADD CONSTRAINT fk_users_tenant_id_tenants
        FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE RESTRICT,
    ADD CONSTRAINT check_auth_provider CHECK ((auth_provider IS NULL) = (auth_provider_id IS NULL));
CREATE UNIQUE INDEX idx_users_username ON users (lower(username)) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX idx_users_auth_provider ON users (auth_provider, auth_provider_id)
    WHERE auth_provider IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX idx_users_tenant_role ON users (tenant_id, role, is_active);
CREATE INDEX idx_users_role ON users (role);
CREATE INDEX idx_users_created_at ON users (created_at DESC);

COMMENT ON COLUMN users.tenant_id IS
    'NULL for users of dedicated instances only; a tenant with users cannot be deleted';
COMMENT ON COLUMN users.role IS 'What the user may do in the tenant';
COMMENT ON COLUMN users.auth_provider IS 'Where the user signs in; NULL for a password of ours';
COMMENT ON COLUMN users.auth_provider_id IS 'Who the user is there';
COMMENT ON COLUMN users.user_metadata IS 'What the identity provider told';
GRANT SELECT (tenant_id, username, avatar_url, role, auth_provider, email_verified_at) ON users TO mcp_producer;
"""

ORGANIZATIONS = """
CREATE TABLE organizations (
    id          text         NOT NULL DEFAULT gen_random_uuid()::text,
    tenant_id   text,
    name        varchar(255) NOT NULL,
    description text,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    updated_at  timestamptz  NOT NULL DEFAULT now(),
    deleted_at  timestamptz,
    CONSTRAINT pk_organizations PRIMARY KEY (id),
    CONSTRAINT fk_organizations_tenant_id_tenants
        FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX idx_organizations_name ON organizations (tenant_id, lower(name)) NULLS NOT DISTINCT
    WHERE deleted_at IS NULL;
COMMENT ON TABLE organizations IS 'Groups of users, within a tenant or across tenants';
COMMENT ON COLUMN organizations.tenant_id IS 'NULL for a group whose members come from several tenants';
COMMENT ON COLUMN organizations.deleted_at IS 'Soft delete: the row stays and its name may be used again';

CREATE TABLE users_organizations (
    user_id         uuid        NOT NULL,
    organization_id text        NOT NULL,
    role            user_role   NOT NULL,
    joined_at       timestamptz NOT NULL DEFAULT now(),
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_users_organizations PRIMARY KEY (user_id, organization_id),
    CONSTRAINT fk_users_organizations_user_id_users
        FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT fk_users_organizations_organization_id_organizations
        FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX idx_users_organizations_organization_id ON users_organizations (organization_id);
COMMENT ON TABLE users_organizations IS 'Which user belongs to which organization, and as what';
COMMENT ON COLUMN users_organizations.role IS 'What the user may do there; apart from the role in the tenant';

CREATE TRIGGER organizations_updated_at BEFORE UPDATE ON organizations
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER users_organizations_updated_at BEFORE UPDATE ON users_organizations
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

ALTER TABLE organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE users_organizations ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON organizations TO mcp_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_all ON users_organizations TO mcp_worker USING (true) WITH CHECK (true);
CREATE POLICY producer_own ON users_organizations FOR SELECT TO mcp_producer
    USING (user_id = (SELECT current_app_user()));
CREATE POLICY producer_own ON organizations FOR SELECT TO mcp_producer USING (
    tenant_id = (SELECT current_app_tenant())
    OR id IN (SELECT m.organization_id FROM users_organizations m WHERE m.user_id = (SELECT current_app_user()))
);
GRANT SELECT, INSERT, UPDATE, DELETE ON organizations, users_organizations TO mcp_worker;
GRANT SELECT ON organizations, users_organizations TO mcp_producer;
"""


def upgrade() -> None:
    """Create the tables and the columns of users."""
    for statements in (CONTEXT, TENANTS, USERS, ORGANIZATIONS):
        op.execute(statements)


def downgrade() -> None:
    """Drop them."""
    op.execute(
        """
        DROP POLICY producer_own ON organizations;
        DROP TABLE users_organizations;
        DROP TABLE organizations;
        DROP INDEX idx_users_created_at;
        ALTER TABLE users
            DROP COLUMN tenant_id, DROP COLUMN username, DROP COLUMN avatar_url, DROP COLUMN role,
            DROP COLUMN auth_provider, DROP COLUMN auth_provider_id, DROP COLUMN email_verified_at,
            DROP COLUMN user_metadata;
        DROP TABLE tenants;
        DROP TYPE user_role;
        DROP FUNCTION current_app_tenant();
        """
    )

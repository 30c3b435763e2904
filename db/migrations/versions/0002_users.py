"""Users."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE users (
    id             uuid         NOT NULL DEFAULT gen_random_uuid(),
    email          varchar(255) NOT NULL,
    password_hash  varchar(255),
    name           varchar(255) NOT NULL,
    is_active      boolean      NOT NULL DEFAULT true,
    email_verified boolean      NOT NULL DEFAULT false,
    created_at     timestamptz  NOT NULL DEFAULT now(),
    updated_at     timestamptz  NOT NULL DEFAULT now(),
    deleted_at     timestamptz,
    CONSTRAINT pk_users PRIMARY KEY (id)
);
CREATE UNIQUE INDEX idx_users_email ON users (lower(email)) WHERE deleted_at IS NULL;

COMMENT ON TABLE users IS 'People and services that own instances and keys';
COMMENT ON COLUMN users.email IS 'Unique among users that are not deleted, whatever its case';
COMMENT ON COLUMN users.password_hash IS 'NULL for users who sign in elsewhere';
COMMENT ON COLUMN users.deleted_at IS 'Soft delete: the row stays and its address may be used again';

CREATE TRIGGER users_updated_at BEFORE UPDATE ON users
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

ALTER TABLE users ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON users TO mcp_worker USING (true) WITH CHECK (true);
CREATE POLICY producer_own ON users FOR SELECT TO mcp_producer USING (id = (SELECT current_app_user()));
GRANT SELECT, INSERT, UPDATE, DELETE ON users TO mcp_worker;
GRANT SELECT (id, email, name, is_active, email_verified, created_at, updated_at, deleted_at) ON users TO mcp_producer;
"""


def upgrade() -> None:
    """Create the table."""
    op.execute(UP)


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP TABLE users")

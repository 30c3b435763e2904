"""Which master keys this database's secrets were encrypted under; never the keys themselves."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ENCRYPTION_KEYS = """
CREATE TABLE encryption_keys (
    key_id      varchar(64) NOT NULL,
    check_value varchar(64) NOT NULL,
    status      varchar(20) NOT NULL DEFAULT 'decrypt_only',
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    retired_at  timestamptz,
    CONSTRAINT pk_encryption_keys PRIMARY KEY (key_id),
    CONSTRAINT check_key_status CHECK (status IN ('active', 'decrypt_only', 'retired')),
    CONSTRAINT check_check_value CHECK (check_value ~ '^[0-9a-f]{64}$')
);
CREATE UNIQUE INDEX idx_encryption_keys_active ON encryption_keys (status) WHERE status = 'active';

COMMENT ON TABLE encryption_keys IS 'The master keys that secrets of this database are encrypted under, by name';
COMMENT ON COLUMN encryption_keys.check_value IS
    'HMAC-SHA256 of a constant under the key: tells a wrong key from the right one';
COMMENT ON COLUMN encryption_keys.status IS 'active: new secrets use it; decrypt_only: old ones do; retired: none does';
CREATE TRIGGER encryption_keys_updated_at BEFORE UPDATE ON encryption_keys
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
GRANT SELECT, INSERT, UPDATE ON encryption_keys TO mcp_worker;
"""


def upgrade() -> None:
    """Create the table."""
    op.execute(ENCRYPTION_KEYS)


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP TABLE encryption_keys")

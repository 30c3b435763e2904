"""Secrets keep their master key, archives go with their user, and a new secret in an old row is a new key."""

from typing import Final

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

SECRETS: Final = ("user_service_instances", "api_keys", "api_keys_archive")

DATED: Final = """
CREATE FUNCTION date_new_secret() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.created_at := clock_timestamp();
    RETURN NEW;
END $$;
COMMENT ON FUNCTION date_new_secret() IS
    'Has created_at say when the present secret was stored; what is only wrapped anew keeps its date';
REVOKE EXECUTE ON FUNCTION date_new_secret() FROM PUBLIC;
CREATE TRIGGER api_keys_new_secret BEFORE UPDATE OF encrypted_key ON api_keys
    FOR EACH ROW WHEN (NEW.encrypted_key IS DISTINCT FROM OLD.encrypted_key) EXECUTE FUNCTION date_new_secret();
COMMENT ON TRIGGER api_keys_new_secret ON api_keys IS 'A secret that takes the place of another is a new key';
COMMENT ON COLUMN shared_moves.moved_at IS 'When it moved: a key of the row that is dated later has not';
"""

# What has no user any more should have gone with the user.
ERASED: Final = """
DELETE FROM mcp_instances_archive a WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = a.user_id);
DELETE FROM mcp_events_archive e
 WHERE NOT EXISTS (SELECT FROM mcp_instances_archive a WHERE a.id = e.mcp_instance_id);
ALTER TABLE mcp_instances_archive ADD CONSTRAINT fk_mcp_instances_archive_user_id_users
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE mcp_events_archive ADD CONSTRAINT fk_mcp_events_archive_mcp_instance_id_mcp_instances_archive
    FOREIGN KEY (mcp_instance_id) REFERENCES mcp_instances_archive (id) ON DELETE CASCADE;
COMMENT ON INDEX idx_mcp_instances_archive_user_id IS
    'A user''s former instances; row level security goes by it, and deleting the user finds them';
"""

# A foreign key sees what is written at the same moment, which no trigger does.
USABLE: Final = """
ALTER TABLE encryption_keys
    ADD COLUMN usable_id varchar(64) GENERATED ALWAYS AS (CASE WHEN status <> 'retired' THEN key_id END) STORED,
    ADD CONSTRAINT uq_encryption_keys_usable_id UNIQUE (usable_id);
COMMENT ON COLUMN encryption_keys.usable_id IS
    'key_id until the key is retired: secrets refer to it, so that a key cannot be retired while one does';
COMMENT ON INDEX uq_encryption_keys_usable_id IS 'What secrets refer to';
"""


def _constraint(table: str) -> str:
    return f"fk_{table}_encryption_key_id_encryption_keys"


def upgrade() -> None:
    """Create the constraints and the trigger."""
    op.execute(DATED)
    op.execute(ERASED)
    op.execute(USABLE)
    op.execute(f"ALTER TABLE user_service_instances DROP CONSTRAINT {_constraint('user_service_instances')}")
    for table in SECRETS:
        op.execute(
            f"ALTER TABLE {table} ADD CONSTRAINT {_constraint(table)}"
            " FOREIGN KEY (encryption_key_id) REFERENCES encryption_keys (usable_id)"
        )


def downgrade() -> None:
    """Remove them; shares refer to the name of their master key again."""
    for table in SECRETS:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {_constraint(table)}")
    op.execute(
        f"ALTER TABLE user_service_instances ADD CONSTRAINT {_constraint('user_service_instances')}"
        " FOREIGN KEY (encryption_key_id) REFERENCES encryption_keys (key_id)"
    )
    op.execute(
        """
        ALTER TABLE encryption_keys DROP COLUMN usable_id;
        ALTER TABLE mcp_events_archive DROP CONSTRAINT fk_mcp_events_archive_mcp_instance_id_mcp_instances_archive;
        ALTER TABLE mcp_instances_archive DROP CONSTRAINT fk_mcp_instances_archive_user_id_users;
        COMMENT ON INDEX idx_mcp_instances_archive_user_id IS
            'A user''s former instances; row level security goes by it';
        COMMENT ON COLUMN shared_moves.moved_at IS 'When it moved';
        DROP TRIGGER api_keys_new_secret ON api_keys;
        DROP FUNCTION date_new_secret();
        """
    )

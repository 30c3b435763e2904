"""Where the keys and the events of archived instances go: else they would vanish with what they belong to."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE api_keys_archive (
    LIKE api_keys INCLUDING COMMENTS,
    archived_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_api_keys_archive PRIMARY KEY (id),
    -- A user who is erased takes every secret along, here too.
    CONSTRAINT fk_api_keys_archive_user_id_users FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX idx_api_keys_archive_encryption_key_id ON api_keys_archive (encryption_key_id, id);
CREATE INDEX idx_api_keys_archive_user_id ON api_keys_archive (user_id);
CREATE TABLE mcp_events_archive (
    LIKE mcp_events INCLUDING COMMENTS,
    archived_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_mcp_events_archive PRIMARY KEY (id, created_at)
);
CREATE INDEX idx_mcp_events_archive_instance ON mcp_events_archive (mcp_instance_id, created_at DESC);

COMMENT ON TABLE api_keys_archive IS
    'Keys of dedicated instances that moved to a shared service, still encrypted under encryption_key_id';
COMMENT ON COLUMN api_keys_archive.encryption_key_id IS
    'A master key that is named here must not be retired before these rows are gone or wrapped anew';
COMMENT ON COLUMN api_keys_archive.archived_at IS 'When the key had moved to a shared service';
COMMENT ON INDEX idx_api_keys_archive_encryption_key_id IS
    'Archived keys that rotation has yet to rewrap, page by page';
COMMENT ON INDEX idx_api_keys_archive_user_id IS 'A user''s archived keys; deleting the user finds them';
COMMENT ON COLUMN mcp_events_archive.archived_at IS 'When the instance had moved to a shared service';
COMMENT ON INDEX idx_mcp_events_archive_instance IS 'What happened to an archived instance, newest first';
COMMENT ON TABLE mcp_events_archive IS 'What happened to instances that are in the archive themselves';

ALTER TABLE api_keys_archive ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON api_keys_archive TO mcp_worker USING (true) WITH CHECK (true);
ALTER TABLE mcp_events_archive ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON mcp_events_archive TO mcp_worker USING (true) WITH CHECK (true);
CREATE POLICY producer_own ON mcp_events_archive FOR SELECT TO mcp_producer USING (
    mcp_instance_id IN (SELECT i.id FROM mcp_instances_archive i WHERE i.user_id = (SELECT current_app_user()))
);
-- Keys may be wrapped anew and given back; events are added and stay.
GRANT SELECT, INSERT, UPDATE, DELETE ON api_keys_archive TO mcp_worker;
GRANT SELECT, INSERT ON mcp_events_archive TO mcp_worker;
GRANT SELECT ON mcp_events_archive TO mcp_producer;
"""
# They are locked first, so that nothing comes in between.
KEPT = """
LOCK TABLE api_keys_archive, mcp_events_archive IN ACCESS EXCLUSIVE MODE;
DO $$ BEGIN
    IF EXISTS (SELECT FROM api_keys_archive) OR EXISTS (SELECT FROM mcp_events_archive) THEN
        RAISE EXCEPTION 'api_keys_archive and mcp_events_archive hold what was archived, and this step drops them: '
            'copy their rows elsewhere and delete them here first';
    END IF;
END $$;
"""


def upgrade() -> None:
    """Create the tables, which have every column of those they archive."""
    op.execute(UP)


def downgrade() -> None:
    """Drop them, unless something is in them."""
    op.execute(KEPT)
    op.execute("DROP TABLE mcp_events_archive; DROP TABLE api_keys_archive")

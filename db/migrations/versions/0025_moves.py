"""Which dedicated keys moved to which share of a shared service, so that moving them again changes nothing."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

# No foreign keys but to the user: a key that moved may be archived, and a share may be given up, and still it moved.
MOVES = """
CREATE TABLE shared_moves (
    api_key_id       uuid         NOT NULL,
    user_id          uuid         NOT NULL,
    mcp_type_id      uuid         NOT NULL,
    service_type     varchar(50)  NOT NULL,
    instance_id      varchar(100) NOT NULL,
    outcome          varchar(20)  NOT NULL,
    from_instance_id uuid,
    moved_at         timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT pk_shared_moves PRIMARY KEY (api_key_id),
    CONSTRAINT fk_shared_moves_user_id_users FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT check_outcome CHECK (outcome IN ('migrated', 'superseded'))
);
CREATE INDEX idx_shared_moves_user_type ON shared_moves (user_id, mcp_type_id);

COMMENT ON TABLE shared_moves IS 'Dedicated keys that moved to a share of a shared service, and to which one';
COMMENT ON COLUMN shared_moves.api_key_id IS 'The key as it was in api_keys; there or in the archive it stays the same';
COMMENT ON COLUMN shared_moves.user_id IS 'Whose key it is; row level security goes by it';
COMMENT ON COLUMN shared_moves.mcp_type_id IS 'The type that the key was for';
COMMENT ON COLUMN shared_moves.service_type IS 'The service that took the place of the type';
COMMENT ON COLUMN shared_moves.moved_at IS 'When it moved';
COMMENT ON INDEX idx_shared_moves_user_type IS 'What a user moved, by type; deleting the user finds it';
COMMENT ON COLUMN shared_moves.instance_id IS 'The share, in user_service_instances unless it was given up since';
COMMENT ON COLUMN shared_moves.outcome IS
    'migrated: the share has this key; superseded: the share has a newer key of the same user and service';
COMMENT ON COLUMN shared_moves.from_instance_id IS 'The dedicated instance whose configuration the share took over';
COMMENT ON COLUMN api_keys.created_at IS
    'When this key was stored: one that takes the place of another in its row starts anew, for the newest key moves';

ALTER TABLE shared_moves ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON shared_moves TO mcp_worker USING (true) WITH CHECK (true);
CREATE POLICY producer_own ON shared_moves FOR SELECT TO mcp_producer USING (user_id = (SELECT current_app_user()));
GRANT SELECT, INSERT, UPDATE, DELETE ON shared_moves TO mcp_worker;
GRANT SELECT ON shared_moves TO mcp_producer;
"""


def upgrade() -> None:
    """Create the table."""
    op.execute(MOVES)


def downgrade() -> None:
    """Drop it."""
    op.execute("COMMENT ON COLUMN api_keys.created_at IS 'When the row was made'; DROP TABLE shared_moves")

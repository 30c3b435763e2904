"""Where dedicated instances and types go when shared services have taken their place."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# No foreign keys, no unique tokens: what is here outlives what it belonged to.
UP = """
CREATE TABLE mcp_instances_archive (
    LIKE mcp_instances,
    archived_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_mcp_instances_archive PRIMARY KEY (id)
);
CREATE INDEX idx_mcp_instances_archive_user_id ON mcp_instances_archive (user_id);
CREATE TABLE mcp_types_archive (
    LIKE mcp_types,
    archived_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_mcp_types_archive PRIMARY KEY (id)
);
COMMENT ON TABLE mcp_instances_archive IS 'Dedicated instances that moved to a shared service, as they last were';
COMMENT ON TABLE mcp_types_archive IS 'Types of dedicated instances that are no longer offered, as they last were';

ALTER TABLE mcp_instances_archive ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON mcp_instances_archive TO mcp_worker USING (true) WITH CHECK (true);
CREATE POLICY producer_own ON mcp_instances_archive FOR SELECT TO mcp_producer
    USING (user_id = (SELECT current_app_user()));
GRANT SELECT, INSERT, DELETE ON mcp_instances_archive TO mcp_worker;
GRANT SELECT, INSERT ON mcp_types_archive TO mcp_worker;
GRANT SELECT ON mcp_instances_archive, mcp_types_archive TO mcp_producer;
GRANT SELECT ON mcp_types_archive TO mcp_reader;
"""
# They are locked first, so that nothing comes in between.
KEPT = """
LOCK TABLE mcp_instances_archive, mcp_types_archive IN ACCESS EXCLUSIVE MODE;
DO $$ BEGIN
    IF EXISTS (SELECT FROM mcp_instances_archive) OR EXISTS (SELECT FROM mcp_types_archive) THEN
        RAISE EXCEPTION 'mcp_instances_archive and mcp_types_archive hold what was archived, and this step drops them: '
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
    op.execute("DROP TABLE mcp_types_archive; DROP TABLE mcp_instances_archive")

"""Schemas, and the two functions that every later table uses."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMAS = """
CREATE SCHEMA maintenance;
CREATE SCHEMA partitions;
CREATE SCHEMA archive;

COMMENT ON SCHEMA maintenance IS 'Retention policies and the functions that create, detach and drop partitions';
COMMENT ON SCHEMA partitions IS
    'Partitions; no role but the owner may enter, so nobody passes by the parent and its row level security';
COMMENT ON SCHEMA archive IS 'Detached partitions on their way to being dropped';

GRANT USAGE ON SCHEMA public TO mcp_worker, mcp_producer, mcp_reader;
GRANT USAGE ON SCHEMA maintenance TO mcp_worker, mcp_reader;
GRANT USAGE ON SCHEMA archive TO mcp_worker;
GRANT SELECT ON alembic_version TO mcp_worker, mcp_reader;
"""

FUNCTIONS = """
CREATE FUNCTION touch_updated_at() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END $$;
COMMENT ON FUNCTION touch_updated_at() IS 'Keeps updated_at true on every table that has the column';

-- A setting that was set with SET LOCAL is an empty string, not NULL, in the transactions that follow.
CREATE FUNCTION current_app_user() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT nullif(current_setting('app.user_id', true), '')::uuid
$$;
COMMENT ON FUNCTION current_app_user() IS
    'The user for whom a producer''s transaction runs; NULL, which matches no row, when none is set';

REVOKE EXECUTE ON FUNCTION touch_updated_at(), current_app_user() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION current_app_user() TO mcp_producer;
"""


def upgrade() -> None:
    """Create the schemas and the functions."""
    op.execute(SCHEMAS)
    op.execute(FUNCTIONS)


def downgrade() -> None:
    """Drop them."""
    op.execute(
        """
        DROP FUNCTION current_app_user();
        DROP FUNCTION touch_updated_at();
        DROP SCHEMA archive;
        DROP SCHEMA partitions;
        DROP SCHEMA maintenance;
        REVOKE SELECT ON alembic_version FROM mcp_worker, mcp_reader;
        REVOKE USAGE ON SCHEMA public FROM mcp_worker, mcp_producer, mcp_reader;
        """
    )

"""What is done in steps: statistics, some tables at a time, and the end of keys, found by an index."""

from typing import Final

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

INDEXES: Final = """
CREATE INDEX idx_api_keys_expires_at ON api_keys (expires_at) WHERE is_active AND expires_at IS NOT NULL;
COMMENT ON INDEX idx_api_keys_expires_at IS 'Keys whose time will be over, the next first';
DROP INDEX gateway.idx_enhanced_api_keys_expires_at;
CREATE INDEX idx_enhanced_api_keys_expires_at ON gateway.enhanced_api_keys (expires_at)
    WHERE is_active AND expires_at IS NOT NULL;
COMMENT ON INDEX gateway.idx_enhanced_api_keys_expires_at IS 'Keys whose time will be over, the next first';
"""

# A partitioned table alone, where PostgreSQL can: its partitions are autovacuum's.
ANALYZE: Final = """
CREATE FUNCTION maintenance.analyze_some(p_after text, p_milliseconds integer)
RETURNS TABLE (relation text, is_busy boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    found    record;
    deadline timestamptz := clock_timestamp() + make_interval(secs => p_milliseconds / 1000.0);
    is_able  boolean := current_setting('server_version_num')::integer >= 180000;
BEGIN
    FOR found IN
        SELECT format('%I.%I', n.nspname, c.relname) AS name, c.relkind = 'p' AS is_partitioned
          FROM pg_class c
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname IN ('public', 'gateway') AND c.relkind IN ('r', 'p') AND NOT c.relispartition
           AND pg_get_userbyid(c.relowner) = current_user AND format('%I.%I', n.nspname, c.relname) > p_after
         ORDER BY 1
    LOOP
        relation := found.name;
        is_busy := false;
        BEGIN
            EXECUTE format('ANALYZE %s %s', CASE WHEN found.is_partitioned AND is_able THEN 'ONLY' END, found.name);
        EXCEPTION WHEN lock_not_available THEN
            is_busy := true;
        END;
        RETURN NEXT;
        EXIT WHEN clock_timestamp() > deadline;
    END LOOP;
END $$;
COMMENT ON FUNCTION maintenance.analyze_some(text, integer) IS
    'Gathers statistics of the tables that follow a name, for so long; none are returned when none are left';
REVOKE EXECUTE ON FUNCTION maintenance.analyze_some(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION maintenance.analyze_some(text, integer) TO mcp_worker;
"""


def upgrade() -> None:
    """Create them."""
    op.execute(INDEXES)
    op.execute(ANALYZE)


def downgrade() -> None:
    """Drop them, and have the index as it was."""
    op.execute(
        """
        DROP FUNCTION maintenance.analyze_some(text, integer);
        DROP INDEX gateway.idx_enhanced_api_keys_expires_at;
        CREATE INDEX idx_enhanced_api_keys_expires_at ON gateway.enhanced_api_keys (expires_at)
            WHERE expires_at IS NOT NULL;
        COMMENT ON INDEX gateway.idx_enhanced_api_keys_expires_at IS 'Keys that expire next';
        DROP INDEX idx_api_keys_expires_at;
        """
    )

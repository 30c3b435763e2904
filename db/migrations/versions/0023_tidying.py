"""Functions that tidy up what retention leaves, and fresh statistics for the planner."""

from typing import Final

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

CLEANUP = """
-- Retention detaches whole months; a bulk DELETE of them would cost what detaching saves.
CREATE FUNCTION cleanup_old_usage_analytics(p_limit integer DEFAULT 10000) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    started timestamptz := clock_timestamp();
    oldest  timestamptz;
    cutoff  timestamptz;
    deleted bigint;
BEGIN
    SELECT now() - make_interval(days => d.retention_days),
           date_trunc(d.partition_unit, now() - make_interval(days => d.retention_days))
      INTO STRICT cutoff, oldest
      FROM maintenance.data_retention_policies d
     WHERE d.schema_name = 'public' AND d.table_name = 'service_usage_analytics';
    WITH old AS MATERIALIZED (
        SELECT a.id, a.timestamp FROM public.service_usage_analytics a
         WHERE a.timestamp >= oldest AND a.timestamp < cutoff
         ORDER BY a.timestamp LIMIT p_limit FOR UPDATE SKIP LOCKED
    )
    DELETE FROM public.service_usage_analytics a USING old
     WHERE a.id = old.id AND a.timestamp = old.timestamp AND a.timestamp >= oldest AND a.timestamp < cutoff;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    INSERT INTO maintenance.runs (task, started_at, affected) VALUES ('cleanup_old_usage_analytics', started, deleted);
    RETURN deleted;
END $$;
COMMENT ON FUNCTION cleanup_old_usage_analytics(integer) IS
    'Deletes usage past its retention from the month that is only partly past it; fewer than the limit: none is left';

CREATE FUNCTION cleanup_validation_cache(p_limit integer DEFAULT 5000) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deleted bigint;
BEGIN
    WITH stale AS MATERIALIZED (
        SELECT c.ctid AS place FROM public.api_key_validation_cache c WHERE c.expires_at < now()
         ORDER BY c.expires_at LIMIT p_limit FOR UPDATE SKIP LOCKED
    )
    DELETE FROM public.api_key_validation_cache c USING stale WHERE c.ctid = stale.place;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END $$;
COMMENT ON FUNCTION cleanup_validation_cache(integer) IS
    'Deletes the oldest stale results; fewer than the limit means that none is left';

REVOKE EXECUTE ON FUNCTION cleanup_old_usage_analytics(integer), cleanup_validation_cache(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cleanup_old_usage_analytics(integer), cleanup_validation_cache(integer) TO mcp_worker;
"""

TABLES: Final = (
    "gateway.mcp_servers",
    "gateway.server_tools",
    "gateway.server_resources",
    "gateway.server_metrics",
    "public.users",
    "gateway.sessions",
    "public.api_keys",
    "gateway.api_keys",
    "gateway.audit_logs",
    "gateway.request_logs",
    "gateway.fastmcp_audit_log",
    "gateway.routing_rules",
    "gateway.system_configs",
    "public.tenants",
)

# Autovacuum analyzes partitions but never a partitioned table itself, so its statistics need somebody to ask.
STATISTICS = """
CREATE FUNCTION maintenance.analyze_tables() RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    found    record;
    analyzed text[] := '{}';
BEGIN
    FOR found IN
        SELECT format('%I.%I', n.nspname, c.relname) AS name
          FROM pg_class c
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname IN ('public', 'gateway') AND c.relkind IN ('r', 'p') AND NOT c.relispartition
           AND pg_get_userbyid(c.relowner) = current_user
         ORDER BY n.nspname, c.relname
    LOOP
        BEGIN
            EXECUTE 'ANALYZE ' || found.name;
            analyzed := analyzed || found.name;
        EXCEPTION WHEN lock_not_available THEN
            NULL;
        END;
    END LOOP;
    RETURN analyzed;
END $$;
COMMENT ON FUNCTION maintenance.analyze_tables() IS
    'Gathers statistics of every table, partitioned ones included, and returns those that were free';
REVOKE EXECUTE ON FUNCTION maintenance.analyze_tables() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION maintenance.analyze_tables() TO mcp_worker;
"""


def upgrade() -> None:
    """Create the functions and gather statistics."""
    op.execute(CLEANUP)
    op.execute(STATISTICS)
    op.execute(f"ANALYZE {', '.join(TABLES)}")


def downgrade() -> None:
    """Drop them."""
    op.execute(
        """
        DROP FUNCTION maintenance.analyze_tables();
        DROP FUNCTION cleanup_validation_cache(integer);
        DROP FUNCTION cleanup_old_usage_analytics(integer);
        """
    )

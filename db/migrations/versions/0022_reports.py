"""What people look at: summaries of servers, requests, tenants and services, and of the database itself."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

FUNCTIONS = """
CREATE FUNCTION get_server_health_summary()
RETURNS TABLE (total_servers bigint, healthy_servers bigint, unhealthy_servers bigint, degraded_servers bigint,
               avg_response_time numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(*), count(*) FILTER (WHERE s.health_status = 'HEALTHY'),
           count(*) FILTER (WHERE s.health_status = 'UNHEALTHY'),
           count(*) FILTER (WHERE s.health_status = 'DEGRADED'), round(avg(s.avg_response_time)::numeric, 2)
      FROM gateway.mcp_servers s
$$;
COMMENT ON FUNCTION get_server_health_summary() IS
    'How many servers there are and how they do, of those the caller sees';

CREATE FUNCTION get_request_performance_summary(p_hours integer DEFAULT 24)
RETURNS TABLE (total_requests bigint, successful_requests bigint, error_requests bigint, avg_duration_ms numeric,
               p95_duration_ms numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(*), count(*) FILTER (WHERE r.status_code < 400), count(*) FILTER (WHERE r.status_code >= 400),
           round(avg(r.duration_ms)::numeric, 2),
           round((percentile_cont(0.95) WITHIN GROUP (ORDER BY r.duration_ms))::numeric, 2)
      FROM gateway.request_logs r
     WHERE r.request_time > now() - make_interval(hours => p_hours)
$$;
COMMENT ON FUNCTION get_request_performance_summary(integer) IS
    'How many of the last hours'' requests went well and how long they took, of those the caller sees';

CREATE FUNCTION get_tenant_usage_summary(p_tenant_id text, p_hours integer DEFAULT 24)
RETURNS TABLE (total_requests bigint, unique_users bigint, avg_duration_ms numeric, error_rate numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(*), count(DISTINCT r.user_id), round(avg(r.duration_ms)::numeric, 2),
           coalesce(round(100.0 * count(*) FILTER (WHERE r.status_code >= 400) / nullif(count(*), 0), 2), 0)
      FROM gateway.request_logs r
     WHERE r.tenant_id = p_tenant_id AND r.request_time > now() - make_interval(hours => p_hours)
$$;
COMMENT ON FUNCTION get_tenant_usage_summary(text, integer) IS
    'What a tenant asked for in the last hours; the error rate is in per cent, and 0 when nothing was asked';

REVOKE EXECUTE ON FUNCTION get_server_health_summary(), get_request_performance_summary(integer),
    get_tenant_usage_summary(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION get_server_health_summary(), get_request_performance_summary(integer),
    get_tenant_usage_summary(text, integer) TO mcp_worker, mcp_producer, mcp_reader;
"""

GATEWAY = """
CREATE VIEW performance_monitoring WITH (security_invoker = true) AS
SELECT 'servers'::text AS component, count(*) AS total_count,
       count(*) FILTER (WHERE s.health_status = 'HEALTHY') AS healthy_count,
       count(*) FILTER (WHERE s.health_status = 'UNHEALTHY') AS unhealthy_count,
       round(avg(s.avg_response_time)::numeric, 2) AS avg_response_time,
       round(avg(s.success_rate)::numeric, 2) AS avg_success_rate
  FROM gateway.mcp_servers s
UNION ALL
SELECT 'recent_requests', count(*), count(*) FILTER (WHERE r.status_code < 400),
       count(*) FILTER (WHERE r.status_code >= 400), round(avg(r.duration_ms)::numeric, 2),
       round(100.0 * count(*) FILTER (WHERE r.status_code < 400) / nullif(count(*), 0), 2)
  FROM gateway.request_logs r
 WHERE r.request_time > now() - interval '1 hour';
COMMENT ON VIEW performance_monitoring IS 'Servers as probes found them, and the requests of the last hour';
COMMENT ON COLUMN performance_monitoring.avg_success_rate IS 'Per cent; NULL when there was nothing to count';
"""

SERVICES = """
CREATE VIEW user_services_summary WITH (security_invoker = true) AS
SELECT u.user_id, u.service_type, r.display_name, r.category, u.instance_id, u.is_active, u.created_at,
       u.last_used_at, u.usage_count, h.is_healthy AS service_healthy,
       concat(rtrim(coalesce(b.value #>> '{}', 'http://localhost'), '/'),
              '/', u.instance_id, '/', u.service_type, '/') AS instance_url
  FROM user_service_instances u
  JOIN service_registry r USING (service_type)
  LEFT JOIN service_health_status h USING (service_type)
  LEFT JOIN system_settings b ON b.key = 'app.public_base_url';
COMMENT ON VIEW user_services_summary IS
    'Shared services of users; not for readers, for whoever knows the URL may use the service';
COMMENT ON COLUMN user_services_summary.instance_url IS 'Begins with the setting app.public_base_url, or with http://localhost';

CREATE VIEW service_health_dashboard WITH (security_invoker = true) AS
SELECT r.service_type, r.display_name, r.category, r.port, h.is_healthy, h.last_health_check, h.response_time_ms,
       h.consecutive_failures, h.uptime_percentage, coalesce(u.active_users, 0) AS active_users
  FROM service_registry r
  LEFT JOIN service_health_status h USING (service_type)
  LEFT JOIN (
       SELECT i.service_type, count(*) AS active_users FROM user_service_instances i WHERE i.is_active GROUP BY 1
  ) u USING (service_type)
 ORDER BY r.category, r.display_name;
COMMENT ON VIEW service_health_dashboard IS 'How each shared service does and how many use it';
"""

DATABASE = """
CREATE VIEW database_size_summary WITH (security_invoker = true) AS
SELECT n.nspname AS schemaname, c.relname AS tablename, s.partitions, pg_size_pretty(s.total) AS table_size,
       pg_size_pretty(s.data) AS data_size, pg_size_pretty(s.indexes) AS index_size, s.total AS total_bytes
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL (
       SELECT count(*) FILTER (WHERE p.relid <> c.oid) AS partitions, sum(pg_total_relation_size(p.relid)) AS total,
              sum(pg_table_size(p.relid)) AS data, sum(pg_indexes_size(p.relid)) AS indexes
         FROM (SELECT c.oid AS relid UNION SELECT t.relid FROM pg_partition_tree(c.oid) t) p
 ) s
 WHERE n.nspname IN ('public', 'gateway', 'maintenance', 'archive') AND c.relkind IN ('r', 'p')
   AND NOT c.relispartition
 ORDER BY s.total DESC;
COMMENT ON VIEW database_size_summary IS 'Size of every table, its partitions included';

CREATE VIEW index_usage_summary WITH (security_invoker = true) AS
SELECT s.schemaname, s.relname AS tablename, s.indexrelname AS indexname, s.idx_scan AS index_scans,
       s.idx_tup_read AS tuples_read, s.idx_tup_fetch AS tuples_fetched,
       pg_size_pretty(pg_relation_size(s.indexrelid)) AS index_size,
       CASE WHEN s.idx_scan = 0 THEN 'Unused' WHEN s.idx_scan < 100 THEN 'Low usage' ELSE 'Active' END
           AS usage_category,
       i.indisunique AS is_unique, i.indisvalid AS is_valid
  FROM pg_stat_user_indexes s
  JOIN pg_index i USING (indexrelid)
 ORDER BY s.idx_scan DESC;
COMMENT ON VIEW index_usage_summary IS 'How often every index was used since the statistics were reset';
COMMENT ON COLUMN index_usage_summary.is_unique IS 'Such an index does its work even if it is never read';

CREATE VIEW table_health_summary WITH (security_invoker = true) AS
SELECT s.schemaname, s.relname AS tablename, pg_size_pretty(pg_total_relation_size(s.relid)) AS size,
       s.n_live_tup AS row_count, s.n_dead_tup AS dead_rows, s.last_vacuum, s.last_autovacuum, s.last_analyze,
       s.last_autoanalyze
  FROM pg_stat_user_tables s
 ORDER BY pg_total_relation_size(s.relid) DESC;
COMMENT ON VIEW table_health_summary IS 'Live and dead rows of every table, and when it was last tidied up';
"""

RIGHTS = """
GRANT SELECT ON performance_monitoring, service_health_dashboard, database_size_summary, index_usage_summary,
    table_health_summary TO mcp_worker, mcp_reader;
GRANT SELECT ON user_services_summary TO mcp_worker, mcp_producer;
"""


def upgrade() -> None:
    """Create the functions and the views."""
    for statements in (FUNCTIONS, GATEWAY, SERVICES, DATABASE, RIGHTS):
        op.execute(statements)


def downgrade() -> None:
    """Drop them."""
    op.execute(
        """
        DROP VIEW table_health_summary;
        DROP VIEW index_usage_summary;
        DROP VIEW database_size_summary;
        DROP VIEW service_health_dashboard;
        DROP VIEW user_services_summary;
        DROP VIEW performance_monitoring;
        DROP FUNCTION get_tenant_usage_summary(text, integer);
        DROP FUNCTION get_request_performance_summary(integer);
        DROP FUNCTION get_server_health_summary();
        """
    )

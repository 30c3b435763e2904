"""How the gateway routes and is set up, and what is computed ahead."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ROUTING = """
CREATE TABLE gateway.routing_rules (
    id                      text         NOT NULL DEFAULT gen_random_uuid()::text,
    tenant_id               text,
    name                    varchar(255) NOT NULL,
    description             text,
    conditions              jsonb        NOT NULL DEFAULT '{}',
    target_servers          jsonb        NOT NULL DEFAULT '[]',
    load_balancing_strategy varchar(50)  NOT NULL DEFAULT 'round_robin',
    priority                integer      NOT NULL DEFAULT 100,
    is_active               boolean      NOT NULL DEFAULT true,
    created_at              timestamptz  NOT NULL DEFAULT now(),
    updated_at              timestamptz  NOT NULL DEFAULT now(),
    deleted_at              timestamptz,
    CONSTRAINT pk_routing_rules PRIMARY KEY (id),
    CONSTRAINT fk_routing_rules_tenant_id_tenants
        FOREIGN KEY (tenant_id) REFERENCES public.tenants (id) ON DELETE CASCADE,
    CONSTRAINT check_load_balancing_strategy CHECK (load_balancing_strategy IN
        ('round_robin', 'weighted', 'least_connections', 'random', 'consistent_hash'))
);
CREATE INDEX idx_routing_rules_tenant_active ON gateway.routing_rules (tenant_id, is_active, priority);
CREATE UNIQUE INDEX idx_routing_rules_name ON gateway.routing_rules (tenant_id, name) NULLS NOT DISTINCT
    WHERE deleted_at IS NULL;
COMMENT ON TABLE gateway.routing_rules IS 'Which servers take which requests; the first rule that matches decides';
COMMENT ON COLUMN gateway.routing_rules.tenant_id IS 'NULL for a rule of all tenants';
COMMENT ON COLUMN gateway.routing_rules.priority IS 'Lower comes first';
COMMENT ON COLUMN gateway.routing_rules.deleted_at IS 'Soft delete: the row stays and its name may be used again';

CREATE TABLE gateway.system_configs (
    id                      text         NOT NULL DEFAULT gen_random_uuid()::text,
    tenant_id               text,
    key                     varchar(255) NOT NULL,
    value                   jsonb        NOT NULL,
    description             text,
    category                varchar(100) NOT NULL,
    is_sensitive            boolean      NOT NULL DEFAULT false,
    is_runtime_configurable boolean      NOT NULL DEFAULT true,
    version                 integer      NOT NULL DEFAULT 1,
    created_at              timestamptz  NOT NULL DEFAULT now(),
    updated_at              timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT pk_system_configs PRIMARY KEY (id),
    CONSTRAINT fk_system_configs_tenant_id_tenants
        FOREIGN KEY (tenant_id) REFERENCES public.tenants (id) ON DELETE CASCADE,
    CONSTRAINT check_config_version CHECK (version > 0)
);
CREATE INDEX idx_system_configs_category_tenant ON gateway.system_configs (category, tenant_id);
CREATE UNIQUE INDEX idx_system_configs_key ON gateway.system_configs (tenant_id, key) NULLS NOT DISTINCT;
COMMENT ON TABLE gateway.system_configs IS 'Settings of the gateway; a tenant''s goes before the one of all';
COMMENT ON COLUMN gateway.system_configs.tenant_id IS 'NULL for the setting of all tenants';
COMMENT ON COLUMN gateway.system_configs.is_sensitive IS 'Seen by workers only; yet a secret does not belong here';
COMMENT ON COLUMN gateway.system_configs.version IS 'Counts up with every change';
"""

ISOLATION = """
CREATE POLICY producer_own ON gateway.routing_rules FOR SELECT TO mcp_producer
    USING (tenant_id IS NULL OR tenant_id = (SELECT public.current_app_tenant()));
CREATE POLICY producer_own ON gateway.system_configs FOR SELECT TO mcp_producer
    USING (NOT is_sensitive AND (tenant_id IS NULL OR tenant_id = (SELECT public.current_app_tenant())));
GRANT SELECT ON gateway.routing_rules, gateway.system_configs TO mcp_producer;
"""

EACH = """
CREATE TRIGGER {table}_updated_at BEFORE UPDATE ON gateway.{table}
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
ALTER TABLE gateway.{table} ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON gateway.{table} TO mcp_worker USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON gateway.{table} TO mcp_worker;
"""

VIEWS = """
CREATE TABLE gateway.materialized_views (
    id                       text             NOT NULL DEFAULT gen_random_uuid()::text,
    name                     varchar(255)     NOT NULL,
    description              text,
    query                    text             NOT NULL,
    indexes                  jsonb            NOT NULL DEFAULT '[]',
    refresh_strategy         varchar(50)      NOT NULL DEFAULT 'manual',
    refresh_interval_minutes integer,
    refresh_triggers         jsonb            NOT NULL DEFAULT '[]',
    is_active                boolean          NOT NULL DEFAULT true,
    last_refreshed           timestamptz,
    next_refresh             timestamptz,
    refresh_count            bigint           NOT NULL DEFAULT 0,
    avg_refresh_time_ms      double precision,
    row_count                bigint,
    size_bytes               bigint,
    created_at               timestamptz      NOT NULL DEFAULT now(),
    updated_at               timestamptz      NOT NULL DEFAULT now(),
    CONSTRAINT pk_materialized_views PRIMARY KEY (id),
    CONSTRAINT uq_materialized_views_name UNIQUE (name),
    CONSTRAINT check_refresh_strategy CHECK (refresh_strategy IN ('manual', 'scheduled', 'triggered')),
    CONSTRAINT check_refresh_interval CHECK (refresh_interval_minutes > 0),
    CONSTRAINT check_refresh_schedule
        CHECK (refresh_strategy <> 'scheduled' OR refresh_interval_minutes IS NOT NULL)
);
CREATE INDEX idx_materialized_views_next_refresh ON gateway.materialized_views (next_refresh NULLS FIRST)
    WHERE is_active;
COMMENT ON TABLE gateway.materialized_views IS 'What is computed ahead, and how fresh it is; only the owner adds to it';
COMMENT ON COLUMN gateway.materialized_views.query IS 'For people to read; migrations make the views';
CREATE TRIGGER materialized_views_updated_at BEFORE UPDATE ON gateway.materialized_views
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
GRANT SELECT ON gateway.materialized_views TO mcp_worker, mcp_reader;

CREATE MATERIALIZED VIEW gateway.mv_request_stats_hourly AS
SELECT date_trunc('hour', r.request_time, 'UTC') AS hour, coalesce(r.tenant_id, '') AS tenant_id,
       coalesce(r.target_server_id, '') AS target_server_id, count(*) AS total_requests,
       count(*) FILTER (WHERE r.status_code >= 400) AS error_requests, avg(r.duration_ms) AS avg_duration_ms,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY r.duration_ms) AS p95_duration_ms
  FROM gateway.request_logs r
 GROUP BY 1, 2, 3;
CREATE UNIQUE INDEX idx_mv_request_stats_hourly_key
    ON gateway.mv_request_stats_hourly (hour, tenant_id, target_server_id);
COMMENT ON MATERIALIZED VIEW gateway.mv_request_stats_hourly IS
    'Requests by hour, tenant and server; row level security cannot bind it, so producers may not read it';
COMMENT ON COLUMN gateway.mv_request_stats_hourly.tenant_id IS 'Empty for requests without a tenant';
COMMENT ON INDEX gateway.idx_mv_request_stats_hourly_key IS 'Lets the view be refreshed while it is read';
GRANT SELECT ON gateway.mv_request_stats_hourly TO mcp_worker, mcp_reader;

INSERT INTO gateway.materialized_views
       (name, description, query, indexes, refresh_strategy, refresh_interval_minutes)
SELECT v.matviewname, 'Requests by hour, tenant and server', v.definition,
       '["idx_mv_request_stats_hourly_key"]', 'scheduled', 60
  FROM pg_matviews v WHERE v.schemaname = 'gateway' AND v.matviewname = 'mv_request_stats_hourly';

CREATE FUNCTION maintenance.refresh_materialized_view(p_name text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '2s' AS $$
DECLARE
    started timestamptz := clock_timestamp();
    took    double precision;
    counted bigint;
BEGIN
    PERFORM FROM gateway.materialized_views v WHERE v.name = p_name AND v.is_active FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no materialized view % to refresh', p_name USING ERRCODE = 'undefined_table';
    END IF;
    EXECUTE format('REFRESH MATERIALIZED VIEW CONCURRENTLY gateway.%I', p_name);
    EXECUTE format('SELECT count(*) FROM gateway.%I', p_name) INTO counted;
    took := extract(epoch FROM clock_timestamp() - started) * 1000;
    UPDATE gateway.materialized_views v
       SET last_refreshed = started, next_refresh = started + make_interval(mins => v.refresh_interval_minutes),
           refresh_count = v.refresh_count + 1, row_count = counted,
           avg_refresh_time_ms = (coalesce(v.avg_refresh_time_ms, 0) * v.refresh_count + took) / (v.refresh_count + 1),
           size_bytes = pg_total_relation_size(format('gateway.%I', p_name)::regclass)
     WHERE v.name = p_name;
    RETURN counted;
END $$;
COMMENT ON FUNCTION maintenance.refresh_materialized_view(text) IS
    'Computes a view anew while it is read, notes how long it took, and returns its number of rows';
REVOKE EXECUTE ON FUNCTION maintenance.refresh_materialized_view(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION maintenance.refresh_materialized_view(text) TO mcp_worker;
"""


def upgrade() -> None:
    """Create the tables, the view and the function that refreshes it."""
    op.execute(ROUTING)
    for table in ("routing_rules", "system_configs"):
        op.execute(EACH.format(table=table))
    op.execute(ISOLATION)
    op.execute(VIEWS)


def downgrade() -> None:
    """Drop them."""
    op.execute(
        """
        DROP FUNCTION maintenance.refresh_materialized_view(text);
        DROP MATERIALIZED VIEW gateway.mv_request_stats_hourly;
        DROP TABLE gateway.materialized_views;
        DROP TABLE gateway.system_configs;
        DROP TABLE gateway.routing_rules;
        """
    )

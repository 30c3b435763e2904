CREATE TABLE rollup_marks (
    id         bigint      GENERATED ALWAYS AS IDENTITY,
    table_name varchar(63) NOT NULL,
    hour       timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_rollup_marks PRIMARY KEY (id)
);
CREATE INDEX idx_rollup_marks_hour ON rollup_marks (table_name, hour);
COMMENT ON TABLE rollup_marks IS 'Hours of which rows came since they were counted; any number of marks may stand for one';
COMMENT ON COLUMN rollup_marks.id IS 'No writer waits for another: each has rows of its own';
COMMENT ON COLUMN rollup_marks.table_name IS 'The table that the rows came into, with its schema';
COMMENT ON COLUMN rollup_marks.hour IS 'When the hour begins, in UTC';
COMMENT ON COLUMN rollup_marks.created_at IS 'When the rows came';
COMMENT ON INDEX idx_rollup_marks_hour IS 'Whether an hour is to be counted anew';

CREATE TABLE rollup_hours (
    table_name varchar(63) NOT NULL,
    hour       timestamptz NOT NULL,
    counted_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_rollup_hours PRIMARY KEY (table_name, hour)
);
COMMENT ON TABLE rollup_hours IS 'Hours that were counted; without a mark, what is counted is all there is';
COMMENT ON COLUMN rollup_hours.table_name IS 'The table that was counted, with its schema';
COMMENT ON COLUMN rollup_hours.hour IS 'When the hour begins, in UTC';
COMMENT ON COLUMN rollup_hours.counted_at IS 'When it was last counted';
GRANT SELECT ON rollup_marks, rollup_hours TO mcp_worker, mcp_producer, mcp_reader;

CREATE TABLE gateway.request_rollups (
    unit         varchar(10)      NOT NULL,
    starts_at    timestamptz      NOT NULL,
    tenant_id    text             NOT NULL,
    server_id    text             NOT NULL,
    entries      bigint           NOT NULL,
    errors       bigint           NOT NULL,
    succeeded    bigint           NOT NULL,
    measured     bigint           NOT NULL,
    total_ms     double precision NOT NULL,
    p50_ms       double precision,
    p95_ms       double precision,
    p99_ms       double precision,
    durations_ms double precision[],
    counted_at   timestamptz      NOT NULL DEFAULT now(),
    CONSTRAINT pk_request_rollups PRIMARY KEY (unit, starts_at, tenant_id, server_id),
    CONSTRAINT check_rollup_unit CHECK (unit IN ('hour', 'day')),
    CONSTRAINT check_rollup_counts CHECK (entries > 0 AND errors BETWEEN 0 AND entries AND measured BETWEEN 0 AND entries)
);
COMMENT ON TABLE gateway.request_rollups IS 'Requests of the gateway, counted by hours and days: this stays when the requests go';
COMMENT ON COLUMN gateway.request_rollups.tenant_id IS 'Whose they were; empty for no tenant';
COMMENT ON COLUMN gateway.request_rollups.server_id IS 'Where they went; empty for nowhere';
COMMENT ON COLUMN gateway.request_rollups.errors IS 'How many had a status of 400 or more';
COMMENT ON COLUMN gateway.request_rollups.succeeded IS 'How many had a status below 400; the others had none, or one of an error';
CREATE INDEX idx_request_rollups_tenant ON gateway.request_rollups (tenant_id, starts_at);
CREATE INDEX idx_request_rollups_server ON gateway.request_rollups (server_id, starts_at);
COMMENT ON INDEX gateway.idx_request_rollups_tenant IS 'What a tenant asked for';
COMMENT ON INDEX gateway.idx_request_rollups_server IS 'How a server answered';
ALTER TABLE gateway.request_rollups ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON gateway.request_rollups FOR SELECT TO mcp_worker USING (true);
CREATE POLICY producer_own ON gateway.request_rollups FOR SELECT TO mcp_producer
    USING (tenant_id = (SELECT current_app_tenant()));
CREATE POLICY reader_all ON gateway.request_rollups FOR SELECT TO mcp_reader USING (true);
GRANT SELECT ON gateway.request_rollups TO mcp_worker, mcp_producer;
-- As much as of the requests themselves.
GRANT SELECT (unit, starts_at, tenant_id, entries, errors, succeeded, measured, total_ms, durations_ms)
    ON gateway.request_rollups TO mcp_reader;

CREATE TABLE gateway.request_users (
    hour       timestamptz NOT NULL,
    tenant_id  text        NOT NULL,
    user_id    uuid        NOT NULL,
    counted_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_request_users PRIMARY KEY (hour, tenant_id, user_id)
);
CREATE INDEX idx_request_users_tenant ON gateway.request_users (tenant_id, hour);
CREATE INDEX idx_request_users_user ON gateway.request_users (user_id);
COMMENT ON TABLE gateway.request_users IS 'Who asked for something in an hour, so that users of several hours can be counted once';
COMMENT ON COLUMN gateway.request_users.hour IS 'When the hour begins, in UTC';
COMMENT ON COLUMN gateway.request_users.tenant_id IS 'In which tenant';
COMMENT ON COLUMN gateway.request_users.user_id IS 'No foreign key, for requests have none either';
COMMENT ON COLUMN gateway.request_users.counted_at IS 'When it was last counted';
COMMENT ON INDEX gateway.idx_request_users_tenant IS 'Users of a tenant';
COMMENT ON INDEX gateway.idx_request_users_user IS 'What is to be forgotten with a user';
ALTER TABLE gateway.request_users ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON gateway.request_users FOR SELECT TO mcp_worker USING (true);
CREATE POLICY producer_own ON gateway.request_users FOR SELECT TO mcp_producer
    USING (tenant_id = (SELECT current_app_tenant()));
CREATE POLICY reader_all ON gateway.request_users FOR SELECT TO mcp_reader USING (true);
GRANT SELECT ON gateway.request_users TO mcp_worker, mcp_producer;
GRANT SELECT (hour, tenant_id, user_id) ON gateway.request_users TO mcp_reader;
INSERT INTO maintenance.user_references (schema_name, table_name, column_name, kind, action, reason)
VALUES ('gateway', 'request_users', 'user_id', 'name', 'delete', 'Nobody is counted by name any more');

CREATE TABLE service_usage_rollups (
    unit         varchar(10)      NOT NULL,
    starts_at    timestamptz      NOT NULL,
    service_type varchar(50)      NOT NULL,
    entries      bigint           NOT NULL,
    errors       bigint           NOT NULL,
    measured     bigint           NOT NULL,
    total_ms     double precision NOT NULL,
    p50_ms       double precision,
    p95_ms       double precision,
    p99_ms       double precision,
    durations_ms double precision[],
    counted_at   timestamptz      NOT NULL DEFAULT now(),
    CONSTRAINT pk_service_usage_rollups PRIMARY KEY (unit, starts_at, service_type),
    CONSTRAINT check_rollup_unit CHECK (unit IN ('hour', 'day')),
    CONSTRAINT check_rollup_counts CHECK (entries > 0 AND errors BETWEEN 0 AND entries AND measured BETWEEN 0 AND entries)
);
COMMENT ON TABLE service_usage_rollups IS 'Calls of shared services, counted by hours and days: this stays when the calls go';
COMMENT ON COLUMN service_usage_rollups.service_type IS 'The service; no foreign key, for what was counted outlives it';
COMMENT ON COLUMN service_usage_rollups.errors IS 'How many had a status of 400 or more';
CREATE INDEX idx_service_usage_rollups_service ON service_usage_rollups (service_type, starts_at);
COMMENT ON INDEX idx_service_usage_rollups_service IS 'How a service was called';
GRANT SELECT ON service_usage_rollups TO mcp_worker, mcp_reader;

CREATE TABLE gateway.metric_rollups (
    unit         varchar(10)      NOT NULL,
    starts_at    timestamptz      NOT NULL,
    server_id    text             NOT NULL,
    entries      bigint           NOT NULL,
    errors       bigint           NOT NULL,
    measured     bigint           NOT NULL,
    total_ms     double precision NOT NULL,
    p50_ms       double precision,
    p95_ms       double precision,
    p99_ms       double precision,
    durations_ms double precision[],
    counted_at   timestamptz      NOT NULL DEFAULT now(),
    error_rates  bigint           NOT NULL,
    error_rate   double precision,
    CONSTRAINT pk_metric_rollups PRIMARY KEY (unit, starts_at, server_id),
    CONSTRAINT check_rollup_unit CHECK (unit IN ('hour', 'day')),
    CONSTRAINT check_rollup_counts CHECK (entries > 0 AND errors BETWEEN 0 AND entries AND measured BETWEEN 0 AND entries)
);
COMMENT ON TABLE gateway.metric_rollups IS 'Samples of servers, counted by hours and days: this stays when the samples go';
COMMENT ON COLUMN gateway.metric_rollups.server_id IS 'The server; no foreign key, for what was counted outlives it';
COMMENT ON COLUMN gateway.metric_rollups.errors IS 'How many told of an error rate above 0';
COMMENT ON COLUMN gateway.metric_rollups.error_rates IS 'How many told of an error rate';
COMMENT ON COLUMN gateway.metric_rollups.error_rate IS 'Its mean, in per cent';
CREATE INDEX idx_metric_rollups_server ON gateway.metric_rollups (server_id, starts_at);
COMMENT ON INDEX gateway.idx_metric_rollups_server IS 'How a server did';
GRANT SELECT ON gateway.metric_rollups TO mcp_worker, mcp_reader;

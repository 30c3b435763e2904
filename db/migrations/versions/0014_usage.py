"""Who used which shared service, call by call."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

USAGE = """
CREATE TABLE service_usage_analytics (
    id               uuid         NOT NULL DEFAULT gen_random_uuid(),
    user_id          uuid         NOT NULL,
    service_type     varchar(50)  NOT NULL,
    instance_id      varchar(100) NOT NULL,
    endpoint         varchar(255),
    method           varchar(10),
    status_code      integer,
    response_time_ms integer,
    error_message    text,
    timestamp        timestamptz  NOT NULL DEFAULT now(),
    created_date     date         GENERATED ALWAYS AS ((timestamp AT TIME ZONE 'UTC')::date) STORED,
    created_at       timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT pk_service_usage_analytics PRIMARY KEY (id, timestamp),
    CONSTRAINT fk_service_usage_analytics_user_id_users
        FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT fk_service_usage_analytics_service_type_service_registry
        FOREIGN KEY (service_type) REFERENCES service_registry (service_type) ON UPDATE CASCADE,
    CONSTRAINT check_status_code CHECK (status_code BETWEEN 100 AND 599),
    CONSTRAINT check_response_time CHECK (response_time_ms >= 0)
) PARTITION BY RANGE (timestamp);
CREATE INDEX idx_service_usage_analytics_user_service ON service_usage_analytics (user_id, service_type);
CREATE INDEX idx_service_usage_analytics_timestamp ON service_usage_analytics (timestamp);
CREATE INDEX idx_service_usage_analytics_service_type ON service_usage_analytics (service_type);

COMMENT ON TABLE service_usage_analytics IS 'One row per call of a shared service';
COMMENT ON COLUMN service_usage_analytics.id IS
    'Derived from the message and the call''s place in it: the same on every delivery';
COMMENT ON COLUMN service_usage_analytics.instance_id IS
    'The user''s share of the service; no foreign key, for usage outlives it';
COMMENT ON COLUMN service_usage_analytics.timestamp IS 'When the call was made';
COMMENT ON COLUMN service_usage_analytics.created_date IS 'The day of the call in UTC';

ALTER TABLE service_usage_analytics ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON service_usage_analytics TO mcp_worker USING (true) WITH CHECK (true);
CREATE POLICY producer_own ON service_usage_analytics FOR SELECT TO mcp_producer
    USING (user_id = (SELECT current_app_user()));
GRANT SELECT, INSERT, UPDATE, DELETE ON service_usage_analytics TO mcp_worker;
GRANT SELECT ON service_usage_analytics TO mcp_producer;

INSERT INTO maintenance.data_retention_policies (table_name, partition_column, retention_days, description)
VALUES ('service_usage_analytics', 'timestamp', 183, 'Half a year of usage');
SELECT maintenance.ensure_partitions();
"""


def upgrade() -> None:
    """Create the table."""
    op.execute(USAGE)


def downgrade() -> None:
    """Drop it."""
    op.execute(
        """
        DELETE FROM maintenance.data_retention_policies WHERE table_name = 'service_usage_analytics';
        DROP TABLE service_usage_analytics;
        """
    )

"""The audit trail of every table, and messages that are sent with the transaction that made them."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

AUDIT = """
CREATE TABLE audit_log (
    id         uuid         NOT NULL DEFAULT gen_random_uuid(),
    table_name varchar(100) NOT NULL,
    record_id  text         NOT NULL,
    action     varchar(20)  NOT NULL,
    old_data   jsonb,
    new_data   jsonb,
    user_id    uuid,
    ip_address inet,
    created_at timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT pk_audit_log PRIMARY KEY (id, created_at),
    CONSTRAINT fk_audit_log_user_id_users FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT check_action CHECK (action IN ('INSERT', 'UPDATE', 'DELETE')),
    CONSTRAINT check_data CHECK (num_nonnulls(old_data, new_data) > 0)
) PARTITION BY RANGE (created_at);
CREATE INDEX idx_audit_log_table_record ON audit_log (table_name, record_id);
CREATE INDEX idx_audit_log_created_at ON audit_log (created_at DESC);
CREATE INDEX idx_audit_log_user_id ON audit_log (user_id) WHERE user_id IS NOT NULL;

COMMENT ON TABLE audit_log IS
    'Sensitive changes, row by row; a worker may add to it but not change or delete';
COMMENT ON COLUMN audit_log.record_id IS 'Text, for some tables have ids of the gateway';
COMMENT ON COLUMN audit_log.old_data IS 'What changed, as it was, without secrets';
COMMENT ON COLUMN audit_log.new_data IS 'What changed, as it became, without secrets';
COMMENT ON COLUMN audit_log.user_id IS 'Who did it; NULL for the system itself and for users who were erased';

ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON audit_log TO mcp_worker USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON audit_log TO mcp_worker;

INSERT INTO maintenance.data_retention_policies
       (table_name, partition_column, retention_days, strategy, description)
VALUES ('audit_log', 'created_at', 365, 'detach_archive', 'A year, then archived');
SELECT maintenance.ensure_partitions();
"""

OUTBOX = """
CREATE TABLE outbox (
    message_id uuid         NOT NULL,
    queue      varchar(100) NOT NULL,
    wire_name  varchar(100) NOT NULL,
    payload    jsonb        NOT NULL,
    user_id    uuid         DEFAULT current_app_user(),
    tenant_id  text         DEFAULT current_app_tenant(),
    attempts   integer      NOT NULL DEFAULT 0,
    due_at     timestamptz  NOT NULL DEFAULT now(),
    sent_at    timestamptz,
    created_at timestamptz  NOT NULL DEFAULT now(),
    updated_at timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT pk_outbox PRIMARY KEY (message_id),
    CONSTRAINT fk_outbox_user_id_users FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT fk_outbox_tenant_id_tenants FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT check_outbox_sender CHECK (num_nonnulls(user_id, tenant_id) > 0),
    CONSTRAINT check_outbox_payload CHECK (jsonb_typeof(payload) = 'object'),
    CONSTRAINT check_outbox_attempts CHECK (attempts >= 0)
) WITH (fillfactor = 70);
CREATE INDEX idx_outbox_due_at ON outbox (due_at, message_id);
CREATE INDEX idx_outbox_user_id ON outbox (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX idx_outbox_tenant_id ON outbox (tenant_id) WHERE tenant_id IS NOT NULL;

COMMENT ON TABLE outbox IS
    'Messages of services that share this database: sent after their transaction, and gone when applied';
COMMENT ON COLUMN outbox.message_id IS 'Version 7; the inbox refuses any other';
COMMENT ON COLUMN outbox.user_id IS 'For whom the sender worked; the sender cannot name anybody else';
COMMENT ON COLUMN outbox.tenant_id IS 'Of which tenant the sender was; the sender cannot name another';
COMMENT ON COLUMN outbox.due_at IS 'When it is sent, or sent again: pushed ahead with every try until the inbox has it';
COMMENT ON COLUMN outbox.sent_at IS 'When it was last sent';

CREATE TRIGGER outbox_updated_at BEFORE UPDATE ON outbox
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON outbox TO mcp_worker USING (true) WITH CHECK (true);
CREATE POLICY producer_own ON outbox FOR SELECT TO mcp_producer USING (
    user_id = (SELECT current_app_user())
    OR user_id IS NULL AND tenant_id = (SELECT current_app_tenant())
);
CREATE POLICY producer_add ON outbox FOR INSERT TO mcp_producer WITH CHECK (
    user_id IS NOT DISTINCT FROM (SELECT current_app_user())
    AND tenant_id IS NOT DISTINCT FROM (SELECT current_app_tenant())
);
GRANT SELECT, UPDATE, DELETE ON outbox TO mcp_worker;
GRANT SELECT ON outbox TO mcp_producer;
GRANT INSERT (message_id, queue, wire_name, payload, due_at) ON outbox TO mcp_producer;

-- Lines of unknown instances may be anybody's.
ALTER TABLE log_quarantine ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON log_quarantine TO mcp_worker USING (true) WITH CHECK (true);
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(AUDIT)
    op.execute(OUTBOX)


def downgrade() -> None:
    """Drop them."""
    op.execute(
        """
        DROP POLICY worker_all ON log_quarantine;
        ALTER TABLE log_quarantine DISABLE ROW LEVEL SECURITY;
        DROP TABLE outbox;
        DELETE FROM maintenance.data_retention_policies WHERE table_name = 'audit_log';
        DROP TABLE audit_log;
        """
    )

"""Records of the gateway that could not be stored, and what was said last about a server."""

from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

QUARANTINE = """
CREATE TABLE gateway.record_quarantine (
    id          bigint       GENERATED ALWAYS AS IDENTITY,
    message_id  uuid         NOT NULL,
    wire_name   varchar(100) NOT NULL,
    line_number integer      NOT NULL,
    reason      varchar(50)  NOT NULL,
    payload     jsonb        NOT NULL,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT pk_record_quarantine PRIMARY KEY (id)
);
CREATE INDEX idx_record_quarantine_created_at ON gateway.record_quarantine (created_at);

COMMENT ON TABLE gateway.record_quarantine IS
    'Requests, samples, actions and calls that could not be stored, with the reason; nothing is lost silently';
COMMENT ON COLUMN gateway.record_quarantine.id IS 'Counts up, so the order of arrival can be seen';
COMMENT ON COLUMN gateway.record_quarantine.message_id IS 'The message that the record came in';
COMMENT ON COLUMN gateway.record_quarantine.wire_name IS 'What kind of message that was';
COMMENT ON COLUMN gateway.record_quarantine.line_number IS 'The place of the record in that message, from 1';
COMMENT ON COLUMN gateway.record_quarantine.reason IS 'Why it could not be stored, in a word';
COMMENT ON COLUMN gateway.record_quarantine.payload IS
    'The record without secrets; of one that does not fit the contract as much as is kept, and the problem';
COMMENT ON COLUMN gateway.record_quarantine.created_at IS 'When it was put here';
COMMENT ON INDEX gateway.idx_record_quarantine_created_at IS 'What went there lately';

-- What fits no contract may be any tenant's.
ALTER TABLE gateway.record_quarantine ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON gateway.record_quarantine TO mcp_worker USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON gateway.record_quarantine TO mcp_worker;

INSERT INTO maintenance.user_references (schema_name, table_name, column_name, kind, action, reason)
VALUES ('gateway', 'record_quarantine', 'payload', 'mention', 'delete',
        'Records that were not stored may name the user');
"""

SERVERS = """
ALTER TABLE gateway.mcp_servers ADD COLUMN registered_at timestamptz, ADD COLUMN discovered_at timestamptz;
COMMENT ON COLUMN gateway.mcp_servers.registered_at IS 'When what the row says was said; what is older changes nothing';
COMMENT ON COLUMN gateway.mcp_servers.discovered_at IS
    'When the server said what it can do; what it said before changes nothing';
"""

CONTRACTS = """
INSERT INTO message_contracts (wire_name, queue) VALUES
    ('gateway.register_server.v1', 'gateway'),
    ('gateway.server_discovered.v1', 'gateway'),
    ('gateway.requests_served.v1', 'gateway'),
    ('gateway.metrics_sampled.v1', 'gateway'),
    ('gateway.action_audited.v1', 'gateway'),
    ('gateway.call_audited.v1', 'gateway');
"""


def upgrade() -> None:
    """Create the table, add the columns and enter the messages."""
    for statements in (QUARANTINE, SERVERS, CONTRACTS):
        op.execute(statements)


def downgrade() -> None:
    """Drop them."""
    op.execute(
        """
        DELETE FROM message_contracts WHERE queue = 'gateway';
        ALTER TABLE gateway.mcp_servers DROP COLUMN discovered_at, DROP COLUMN registered_at;
        DELETE FROM maintenance.user_references WHERE table_name = 'record_quarantine';
        DROP TABLE gateway.record_quarantine;
        """
    )

"""What became of messages: applied, put by, given up."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INBOX = """
CREATE TABLE inbox (
    message_id uuid         NOT NULL,
    wire_name  varchar(100) NOT NULL,
    outcome    varchar(10)  NOT NULL DEFAULT 'applied',
    created_at timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT pk_inbox PRIMARY KEY (message_id),
    CONSTRAINT check_outcome CHECK (outcome IN ('applied', 'dead'))
) PARTITION BY RANGE (message_id);

COMMENT ON TABLE inbox IS 'One row per message that was applied or given up, written in the transaction of its effect';
COMMENT ON COLUMN inbox.message_id IS
    'Version 7: partitions are ranges of the time in it, so the key is unique over all of them';
GRANT SELECT, INSERT, UPDATE, DELETE ON inbox TO mcp_worker;

INSERT INTO maintenance.data_retention_policies
       (table_name, partition_column, partition_key, retention_days, description)
VALUES ('inbox', 'message_id', 'uuid7', 35, 'An older message is not accepted, so its row is needed no longer');
SELECT maintenance.ensure_partitions();
"""

REDELIVERIES = """
CREATE TABLE redeliveries (
    message_id uuid         NOT NULL,
    queue      varchar(100) NOT NULL,
    wire_name  varchar(100) NOT NULL,
    envelope   text         NOT NULL,
    state      varchar(10)  NOT NULL,
    attempts   integer      NOT NULL DEFAULT 0,
    deliveries integer      NOT NULL DEFAULT 0,
    due_at     timestamptz,
    error      text,
    created_at timestamptz  NOT NULL DEFAULT now(),
    updated_at timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT pk_redeliveries PRIMARY KEY (message_id),
    CONSTRAINT check_state CHECK (state IN ('suspect', 'retry', 'parked', 'delayed'))
) WITH (fillfactor = 70);
CREATE INDEX idx_redeliveries_due ON redeliveries (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX idx_redeliveries_parked ON redeliveries (wire_name) WHERE due_at IS NULL;

COMMENT ON TABLE redeliveries IS 'Messages that are not finished: a row goes when its message is applied or given up';
COMMENT ON COLUMN redeliveries.envelope IS 'The whole message as it travels, so that a Redis that forgot loses nothing';
COMMENT ON COLUMN redeliveries.state IS
    'suspect: a process died with it in hand; retry: it failed; delayed: it comes later; parked: nobody knew its name';
COMMENT ON COLUMN redeliveries.attempts IS 'How often applying it failed';
COMMENT ON COLUMN redeliveries.deliveries IS 'How often it was started since a process died with it in hand';
COMMENT ON COLUMN redeliveries.due_at IS
    'When it goes back to Redis; pushed ahead when it was sent, NULL while nobody knows its name';
CREATE TRIGGER redeliveries_updated_at BEFORE UPDATE ON redeliveries
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
GRANT SELECT, INSERT, UPDATE, DELETE ON redeliveries TO mcp_worker;
"""

DEAD_LETTERS = """
CREATE TABLE dead_letters (
    id           uuid         NOT NULL DEFAULT gen_random_uuid(),
    message_id   text         NOT NULL,
    queue        text         NOT NULL,
    wire_name    text         NOT NULL,
    reason       varchar(50)  NOT NULL,
    error        text         NOT NULL,
    traceback    text,
    payload      text         NOT NULL,
    redacted     boolean      NOT NULL DEFAULT false,
    deliveries   integer      NOT NULL DEFAULT 1,
    host         varchar(255) NOT NULL,
    created_at   timestamptz  NOT NULL DEFAULT now(),
    replayed_at  timestamptz,
    discarded_at timestamptz,
    CONSTRAINT pk_dead_letters PRIMARY KEY (id),
    CONSTRAINT uq_dead_letters_message_id UNIQUE (message_id)
);
CREATE INDEX idx_dead_letters_created_at ON dead_letters (created_at DESC, id DESC);
CREATE INDEX idx_dead_letters_reason ON dead_letters (reason, created_at DESC, id DESC);

COMMENT ON TABLE dead_letters IS 'Messages that were given up, until someone replays or discards them';
COMMENT ON COLUMN dead_letters.message_id IS 'Text, for a message may have died of its id';
COMMENT ON COLUMN dead_letters.payload IS 'What arrived, as far as it could be read, without secrets';
COMMENT ON COLUMN dead_letters.redacted IS 'Something was taken out of the payload, so it cannot be replayed as it is';
COMMENT ON COLUMN dead_letters.host IS 'The worker that gave it up';
GRANT SELECT, INSERT, UPDATE, DELETE ON dead_letters TO mcp_worker;
"""


def upgrade() -> None:
    """Create the tables."""
    for statements in (INBOX, REDELIVERIES, DEAD_LETTERS):
        op.execute(statements)


def downgrade() -> None:
    """Drop them."""
    op.execute(
        """
        DROP TABLE dead_letters;
        DROP TABLE redeliveries;
        DELETE FROM maintenance.data_retention_policies WHERE table_name = 'inbox';
        DROP TABLE inbox;
        """
    )

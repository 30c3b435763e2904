"""One way into the outbox, a function that any language can call, and an index by which each queue is sent."""

from typing import Final

from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

CONTRACTS: Final = """
CREATE TABLE message_contracts (
    wire_name varchar(100) NOT NULL,
    queue     varchar(100) NOT NULL,
    sender    varchar(10)  NOT NULL DEFAULT 'service',
    CONSTRAINT pk_message_contracts PRIMARY KEY (wire_name),
    CONSTRAINT check_contract_sender CHECK (sender IN ('service', 'scheduler', 'worker'))
);
COMMENT ON TABLE message_contracts IS
    'Which messages there are, for those who send them from SQL; migrations enter them';
COMMENT ON COLUMN message_contracts.wire_name IS 'What the message is called, with its version';
COMMENT ON COLUMN message_contracts.queue IS 'Where it goes';
COMMENT ON COLUMN message_contracts.sender IS 'Who sends it: a service, the scheduler, or a worker to itself';
GRANT SELECT ON message_contracts TO mcp_worker;

INSERT INTO message_contracts (wire_name, queue) VALUES
    ('instances.create.v1', 'instances'),
    ('instances.started.v1', 'instances'),
    ('instances.accessed.v1', 'instances'),
    ('instances.stats_reported.v1', 'instances'),
    ('instances.renew.v1', 'instances'),
    ('instances.disconnected.v1', 'instances'),
    ('instances.reconnected.v1', 'instances'),
    ('instances.failed.v1', 'instances'),
    ('instances.restore.v1', 'instances'),
    ('instances.delete.v1', 'instances'),
    ('keys.store.v1', 'keys'),
    ('keys.revoke.v1', 'keys'),
    ('keys.validated.v1', 'keys'),
    ('services.register.v1', 'services'),
    ('services.provision.v1', 'services'),
    ('services.deprovision.v1', 'services'),
    ('services.migrate.v1', 'services'),
    ('services.used.v1', 'services'),
    ('health.check.v1', 'health'),
    ('health.reported.v1', 'health'),
    ('logs.emitted.v1', 'logs'),
    ('users.erase.v1', 'users');
INSERT INTO message_contracts (wire_name, queue, sender) VALUES
    ('instances.expiry_due.v1', 'instances', 'scheduler'),
    ('instances.ports_reconcile_due.v1', 'instances', 'scheduler'),
    ('keys.rotation_due.v1', 'keys', 'scheduler'),
    ('health.checks_due.v1', 'health', 'scheduler'),
    ('maintenance.partitions_due.v1', 'maintenance', 'scheduler'),
    ('maintenance.retention_due.v1', 'maintenance', 'scheduler'),
    ('maintenance.cache_expiry_due.v1', 'maintenance', 'scheduler'),
    ('maintenance.statistics_due.v1', 'maintenance', 'scheduler'),
    ('maintenance.outbox_due.v1', 'maintenance', 'scheduler'),
    ('maintenance.alerts_due.v1', 'maintenance', 'scheduler'),
    ('maintenance.views_due.v1', 'maintenance', 'scheduler'),
    ('users.continue_erasure.v1', 'users', 'worker');
"""

MESSAGE_ID: Final = """
CREATE FUNCTION new_message_id() RETURNS uuid
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    -- The random version 4 already has the variant; two bits more make its version a 7.
    SELECT encode(set_bit(set_bit(
               overlay(uuid_send(gen_random_uuid())
                       PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
                       FROM 1 FOR 6),
               52, 1), 53, 1), 'hex')::uuid
$$;
COMMENT ON FUNCTION new_message_id() IS 'Makes the id of a message that is sent now, a UUID of version 7';
REVOKE EXECUTE ON FUNCTION new_message_id() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION new_message_id() TO mcp_producer;
"""

# The parameters are part of the interface: callers name them.
ENQUEUE: Final = """
CREATE FUNCTION enqueue_message(
    wire_name text, payload jsonb, message_id uuid DEFAULT NULL, due_at timestamptz DEFAULT NULL
) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    contract public.message_contracts;
    earlier  public.outbox;
    new_id   uuid := coalesce(enqueue_message.message_id, public.new_message_id());
    for_user uuid := public.current_app_user();
    tenant   text := public.current_app_tenant();
BEGIN
    SELECT c.* INTO contract FROM public.message_contracts c WHERE c.wire_name = enqueue_message.wire_name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no message %: take a wire name of docs/messages.md, with its version',
            coalesce(quote_literal(left(enqueue_message.wire_name, 100)), 'NULL') USING ERRCODE = 'undefined_object';
    ELSIF contract.sender <> 'service' THEN
        RAISE EXCEPTION 'only a % sends %: send what a service may send', contract.sender, contract.wire_name
            USING ERRCODE = 'insufficient_privilege';
    ELSIF jsonb_typeof(enqueue_message.payload) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'the payload of a message is a JSON object: wrap what it is in one'
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF enqueue_message.payload ? 'message_id' THEN
        RAISE EXCEPTION 'the id is no part of the payload: pass it as the argument message_id'
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF enqueue_message.payload ?| ARRAY['api_key', 'access_token', 'token', 'password', 'secret'] THEN
        RAISE EXCEPTION 'no secret travels as it is: seal a key, or send the hash of a token (docs/producers.md)'
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF octet_length(enqueue_message.payload::text) > 1047552 THEN
        RAISE EXCEPTION 'the payload takes % bytes, the limit is 1047552: send smaller batches',
            octet_length(enqueue_message.payload::text) USING ERRCODE = 'program_limit_exceeded';
    ELSIF get_byte(uuid_send(new_id), 6) >> 4 <> 7 OR get_byte(uuid_send(new_id), 8) >> 6 <> 2 THEN
        RAISE EXCEPTION 'the id of a message is a UUID of version 7: leave it out, or take new_message_id()'
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF enqueue_message.due_at > now() + interval '7 days' THEN
        RAISE EXCEPTION 'a message waits for 7 days at most: enter it later'
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF num_nonnulls(for_user, tenant) = 0 THEN
        RAISE EXCEPTION 'a message has a sender: set app.user_id or app.tenant_id in the transaction first'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'check_outbox_sender', TABLE = 'outbox';
    END IF;
    INSERT INTO public.outbox (message_id, queue, wire_name, payload, user_id, tenant_id, due_at)
    VALUES (new_id, contract.queue, contract.wire_name, enqueue_message.payload, for_user, tenant,
            greatest(enqueue_message.due_at, now()))
    ON CONFLICT ON CONSTRAINT pk_outbox DO NOTHING;
    IF NOT FOUND THEN
        -- Gone by now means that the inbox has it.
        SELECT o.* INTO earlier FROM public.outbox o WHERE o.message_id = new_id;
        IF FOUND AND (earlier.wire_name, earlier.payload, earlier.user_id, earlier.tenant_id)
                     IS DISTINCT FROM (contract.wire_name, enqueue_message.payload, for_user, tenant) THEN
            RAISE EXCEPTION 'another message has the id %: give each message an id of its own', new_id
                USING ERRCODE = 'unique_violation', CONSTRAINT = 'pk_outbox', TABLE = 'outbox';
        END IF;
    END IF;
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION enqueue_message(text, jsonb, uuid, timestamptz) IS
    'Has a message sent once the caller''s transaction commits, or not before due_at, and returns its id; the same'
    ' message twice is one';
REVOKE EXECUTE ON FUNCTION enqueue_message(text, jsonb, uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION enqueue_message(text, jsonb, uuid, timestamptz) TO mcp_producer;

DROP POLICY producer_add ON outbox;
REVOKE INSERT (message_id, queue, wire_name, payload, due_at) ON outbox FROM mcp_producer;
"""

INDEX: Final = """
DROP INDEX idx_outbox_due_at;
CREATE INDEX idx_outbox_queue_due ON outbox (queue, due_at);
COMMENT ON INDEX idx_outbox_queue_due IS 'What is sent next to each queue, so that one that is full delays no other';
"""


def upgrade() -> None:
    """Enter the contracts, make the functions and let them be the only way in."""
    for statements in (CONTRACTS, MESSAGE_ID, ENQUEUE, INDEX):
        op.execute(statements)


def downgrade() -> None:
    """Let producers insert by themselves again."""
    op.execute(
        """
        DROP INDEX idx_outbox_queue_due;
        CREATE INDEX idx_outbox_due_at ON outbox (due_at, message_id);
        COMMENT ON INDEX idx_outbox_due_at IS 'What is sent next';
        DROP FUNCTION enqueue_message(text, jsonb, uuid, timestamptz);
        DROP FUNCTION new_message_id();
        DROP TABLE message_contracts;
        GRANT INSERT (message_id, queue, wire_name, payload, due_at) ON outbox TO mcp_producer;
        CREATE POLICY producer_add ON outbox FOR INSERT TO mcp_producer WITH CHECK (
            user_id IS NOT DISTINCT FROM (SELECT current_app_user())
            AND tenant_id IS NOT DISTINCT FROM (SELECT current_app_tenant())
        );
        """
    )

"""Shares of services have an end, need no key, and a place for uses of shares that nobody knows."""

from typing import Final

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

SERVICES: Final = """
ALTER TABLE service_registry ADD COLUMN registered_at timestamptz;
COMMENT ON COLUMN service_registry.registered_at IS
    'When what the row says was said; what was said earlier and comes later changes nothing';

INSERT INTO system_settings (key, value, description) VALUES
    ('service.max_shares_per_user', '50', 'How many services a user may have a share of at once')
ON CONFLICT (key) DO NOTHING;
"""

SHARES: Final = """
ALTER TABLE user_service_instances
    ADD COLUMN ended_at   timestamptz,
    ADD COLUMN end_reason text,
    ALTER COLUMN encrypted_api_key DROP NOT NULL,
    ALTER COLUMN encryption_key_id DROP NOT NULL,
    ADD CONSTRAINT check_share_key CHECK ((encrypted_api_key IS NULL) = (encryption_key_id IS NULL)),
    ADD CONSTRAINT check_share_end CHECK (ended_at IS NULL OR NOT is_active AND encrypted_api_key IS NULL);
COMMENT ON COLUMN user_service_instances.encrypted_api_key IS
    'The user''s key for the service, encrypted at rest; NULL where none was given, and once the share has ended';
COMMENT ON COLUMN user_service_instances.encryption_key_id IS
    'The master key that the secrets are under; NULL without a secret';
COMMENT ON COLUMN user_service_instances.ended_at IS
    'When the share was given up, which also gave up its key; a later wish begins a new life under a new id';
COMMENT ON COLUMN user_service_instances.end_reason IS 'Why it was given up, in a sentence';
"""

QUARANTINE: Final = """
CREATE TABLE service_usage_quarantine (
    id          uuid         NOT NULL,
    instance_id varchar(100) NOT NULL,
    reason      varchar(50)  NOT NULL,
    payload     jsonb        NOT NULL,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT pk_service_usage_quarantine PRIMARY KEY (id)
);
CREATE INDEX idx_service_usage_quarantine_instance ON service_usage_quarantine (instance_id, created_at);

COMMENT ON TABLE service_usage_quarantine IS
    'Uses of services that could not be counted, with the reason; nothing is lost silently';
COMMENT ON COLUMN service_usage_quarantine.id IS
    'Derived from the message and the use''s place in it: the same on every delivery';
COMMENT ON COLUMN service_usage_quarantine.instance_id IS
    'The share as the use says; no foreign key, for this is where unknown shares go';
COMMENT ON COLUMN service_usage_quarantine.reason IS 'unknown-share or unbelievable-time';
COMMENT ON COLUMN service_usage_quarantine.payload IS 'The whole use';
COMMENT ON COLUMN service_usage_quarantine.created_at IS 'When it was put here';
COMMENT ON INDEX idx_service_usage_quarantine_instance IS 'What was said about one share';

-- Uses of unknown shares may be anybody's.
ALTER TABLE service_usage_quarantine ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON service_usage_quarantine TO mcp_worker USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON service_usage_quarantine TO mcp_worker;
"""

# Shares that have ended have no key, which the older schema asks for: they are as good as gone.
KEYLESS: Final = "DELETE FROM user_service_instances WHERE encrypted_api_key IS NULL"


def upgrade() -> None:
    """Create the columns and the table."""
    for statements in (SERVICES, SHARES, QUARANTINE):
        op.execute(statements)


def downgrade() -> None:
    """Drop them; shares without a key go with them."""
    op.execute("DROP TABLE service_usage_quarantine")
    op.execute(KEYLESS)
    op.execute(
        """
        ALTER TABLE user_service_instances
            DROP CONSTRAINT check_share_end, DROP CONSTRAINT check_share_key,
            DROP COLUMN end_reason, DROP COLUMN ended_at,
            ALTER COLUMN encryption_key_id SET NOT NULL,
            ALTER COLUMN encrypted_api_key SET NOT NULL;
        COMMENT ON COLUMN user_service_instances.encrypted_api_key IS
            'The user''s key for the service, encrypted at rest';
        COMMENT ON COLUMN user_service_instances.encryption_key_id IS 'The master key that the secrets are under';
        DELETE FROM system_settings WHERE key = 'service.max_shares_per_user';
        ALTER TABLE service_registry DROP COLUMN registered_at;
        """
    )

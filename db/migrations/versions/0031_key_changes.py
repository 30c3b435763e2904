"""Which change of a key is the newest, how long a validation is good, and which pepper fingerprints are made with."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, the table and the setting; keys that are there count as changed now."""
    op.execute(
        """
        ALTER TABLE api_keys ADD COLUMN key_changed_at timestamptz NOT NULL DEFAULT now();
        COMMENT ON COLUMN api_keys.key_changed_at IS
            'When the newest storing or revocation was asked for: an older one changes nothing';
        ALTER TABLE user_service_instances ADD COLUMN key_changed_at timestamptz NOT NULL DEFAULT now();
        COMMENT ON COLUMN user_service_instances.key_changed_at IS
            'When the newest change of the key was asked for: an older one changes nothing';
        ALTER TABLE api_keys_archive ADD COLUMN key_changed_at timestamptz NOT NULL DEFAULT now();
        ALTER TABLE api_keys_archive ALTER COLUMN key_changed_at DROP DEFAULT;
        COMMENT ON COLUMN api_keys_archive.key_changed_at IS 'When the last storing or revocation was asked for';

        CREATE TABLE secret_checks (
            name        varchar(64) NOT NULL,
            check_value varchar(64) NOT NULL,
            created_at  timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk_secret_checks PRIMARY KEY (name),
            CONSTRAINT check_check_value CHECK (check_value ~ '^[0-9a-f]{64}$')
        );
        COMMENT ON TABLE secret_checks IS 'Tells whether a secret of the settings is the one that this data came of';
        COMMENT ON COLUMN secret_checks.name IS 'key-pepper: what fingerprints of keys are made with';
        COMMENT ON COLUMN secret_checks.check_value IS
            'HMAC-SHA256 of a constant under the secret: tells a wrong one from the right one';
        COMMENT ON COLUMN secret_checks.created_at IS 'When the secret was first used';
        COMMENT ON INDEX pk_secret_checks IS 'One check value for each secret';
        GRANT SELECT, INSERT ON secret_checks TO mcp_worker;

        INSERT INTO system_settings (key, value, description) VALUES
            ('keys.validation_ttl_minutes', '60', 'Minutes for which it is believed what a service said about a key')
        ON CONFLICT (key) DO NOTHING;
        """
    )


def downgrade() -> None:
    """Remove them."""
    op.execute(
        """
        DELETE FROM system_settings WHERE key = 'keys.validation_ttl_minutes';
        DROP TABLE secret_checks;
        ALTER TABLE api_keys_archive DROP COLUMN key_changed_at;
        ALTER TABLE user_service_instances DROP COLUMN key_changed_at;
        ALTER TABLE api_keys DROP COLUMN key_changed_at;
        """
    )

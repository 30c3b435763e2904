"""Keys of users, encrypted, and what validating them found."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

API_KEYS = """
CREATE TABLE api_keys (
    id                uuid        NOT NULL DEFAULT gen_random_uuid(),
    user_id           uuid        NOT NULL,
    mcp_type_id       uuid        NOT NULL,
    encrypted_key     text        NOT NULL,
    key_hint          varchar(20),
    encryption_iv     varchar(32) NOT NULL,
    encrypted_dek     text        NOT NULL,
    encryption_key_id varchar(64) NOT NULL,
    key_fingerprint   varchar(64),
    is_active         boolean     NOT NULL DEFAULT true,
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now(),
    expires_at        timestamptz,
    CONSTRAINT pk_api_keys PRIMARY KEY (id),
    CONSTRAINT uq_api_keys_user_id UNIQUE (user_id, mcp_type_id),
    CONSTRAINT fk_api_keys_user_id_users
        FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT fk_api_keys_mcp_type_id_mcp_types
        FOREIGN KEY (mcp_type_id) REFERENCES mcp_types (id) ON DELETE CASCADE
);
CREATE INDEX idx_api_keys_user_type ON api_keys (user_id, mcp_type_id) WHERE is_active = true;
CREATE INDEX idx_api_keys_mcp_type_id ON api_keys (mcp_type_id);
CREATE INDEX idx_api_keys_encryption_key_id ON api_keys (encryption_key_id, id);

COMMENT ON TABLE api_keys IS 'One key of a third party per user and type, encrypted at rest';
COMMENT ON COLUMN api_keys.encrypted_key IS 'base64 of AES-256-GCM ciphertext and tag, under the row''s own data key';
COMMENT ON COLUMN api_keys.key_hint IS 'The last characters, for people to tell keys apart';
COMMENT ON COLUMN api_keys.encryption_iv IS 'base64 of the nonce of encrypted_key';
COMMENT ON COLUMN api_keys.encrypted_dek IS
    'The row''s data key, wrapped by the master key that encryption_key_id names';
COMMENT ON COLUMN api_keys.key_fingerprint IS 'Keyed hash, which joins the validation cache';

CREATE TRIGGER api_keys_updated_at BEFORE UPDATE ON api_keys
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON api_keys TO mcp_worker USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON api_keys TO mcp_worker;
"""

VALIDATION_CACHE = """
CREATE TABLE api_key_validation_cache (
    user_id             uuid         NOT NULL,
    service_type        varchar(50)  NOT NULL,
    key_hash            varchar(255) NOT NULL,
    is_valid            boolean      NOT NULL,
    validated_at        timestamptz  NOT NULL DEFAULT now(),
    expires_at          timestamptz  NOT NULL DEFAULT now() + interval '1 hour',
    validation_response jsonb        NOT NULL DEFAULT '{}',
    CONSTRAINT pk_api_key_validation_cache PRIMARY KEY (user_id, service_type, key_hash),
    CONSTRAINT fk_api_key_validation_cache_user_id_users
        FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT fk_api_key_validation_cache_service_type_service_registry
        FOREIGN KEY (service_type) REFERENCES service_registry (service_type) ON DELETE CASCADE
);
CREATE INDEX idx_api_key_validation_cache_expires ON api_key_validation_cache (expires_at);
CREATE INDEX idx_api_key_validation_cache_service_type ON api_key_validation_cache (service_type);

COMMENT ON TABLE api_key_validation_cache IS 'What a service said about a key, so that it is not asked at every use';
COMMENT ON COLUMN api_key_validation_cache.key_hash IS 'Keyed hash: a leaked table must not help to guess keys';
COMMENT ON COLUMN api_key_validation_cache.validation_response IS 'What the service answered; never the key';

ALTER TABLE api_key_validation_cache ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON api_key_validation_cache TO mcp_worker USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON api_key_validation_cache TO mcp_worker;
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(API_KEYS)
    op.execute(VALIDATION_CACHE)


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP TABLE api_key_validation_cache; DROP TABLE api_keys")

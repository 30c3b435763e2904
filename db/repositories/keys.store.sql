-- The newest storing or revocation wins.  What it takes the place of is held first, so that nobody records what a
-- service said about the former key after that has been forgotten.
WITH former AS MATERIALIZED (
    SELECT id, key_fingerprint FROM api_keys
     WHERE user_id = CAST(:user_id AS uuid) AND mcp_type_id = CAST(:mcp_type_id AS uuid) FOR UPDATE
), stored AS (
    INSERT INTO api_keys AS k (id, user_id, mcp_type_id, encrypted_key, encryption_iv, encrypted_dek, encryption_key_id,
                               key_hint, key_fingerprint, expires_at, key_changed_at)
    SELECT CAST(:id AS uuid), CAST(:user_id AS uuid), CAST(:mcp_type_id AS uuid), CAST(:encrypted_key AS text),
           CAST(:encryption_iv AS text), CAST(:encrypted_dek AS text), CAST(:encryption_key_id AS text),
           CAST(:key_hint AS text), CAST(:key_fingerprint AS text), CAST(:expires_at AS timestamptz),
           least(CAST(:key_changed_at AS timestamptz), now())
     -- Has the former key be held before it is overwritten.
     WHERE (SELECT count(*) FROM former) >= 0
    ON CONFLICT (user_id, mcp_type_id) DO UPDATE
       SET encrypted_key = excluded.encrypted_key, encryption_iv = excluded.encryption_iv,
           encrypted_dek = excluded.encrypted_dek, encryption_key_id = excluded.encryption_key_id,
           key_hint = excluded.key_hint, key_fingerprint = excluded.key_fingerprint,
           expires_at = excluded.expires_at, key_changed_at = excluded.key_changed_at, is_active = true
     -- The ciphertext is bound to the row's id.
     WHERE k.id = excluded.id AND k.key_changed_at <= excluded.key_changed_at
    RETURNING k.id
), forgotten AS (
    DELETE FROM api_key_validation_cache c USING former, stored
     WHERE c.user_id = CAST(:user_id AS uuid) AND c.key_hash = former.key_fingerprint
)
SELECT EXISTS (SELECT FROM stored), (SELECT id FROM former)

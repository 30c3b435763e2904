WITH kind AS MATERIALIZED (
    SELECT id FROM mcp_types WHERE name = CAST(:mcp_type AS text)
), revoked AS (
    UPDATE api_keys SET is_active = false, key_changed_at = least(CAST(:at AS timestamptz), now())
     WHERE user_id = CAST(:user_id AS uuid) AND mcp_type_id = (SELECT id FROM kind)
       AND key_changed_at <= least(CAST(:at AS timestamptz), now())
    RETURNING user_id, key_fingerprint
), forgotten AS (
    DELETE FROM api_key_validation_cache c USING revoked r
     WHERE c.user_id = r.user_id AND c.key_hash = r.key_fingerprint
)
SELECT EXISTS (SELECT FROM users WHERE id = CAST(:user_id AS uuid)), EXISTS (SELECT FROM kind),
       EXISTS (SELECT FROM api_keys
                WHERE user_id = CAST(:user_id AS uuid) AND mcp_type_id = (SELECT id FROM kind)),
       EXISTS (SELECT FROM revoked)

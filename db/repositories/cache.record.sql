-- A fact is about the key that was stored by then, so a key that changed since is not touched by it.  The rows of the
-- key are held: whoever changes it meanwhile forgets what was said only after this was said.
WITH shares AS MATERIALIZED (
    SELECT key_fingerprint, key_changed_at, is_active FROM user_service_instances
     WHERE user_id = CAST(:user_id AS uuid) AND service_type = CAST(:service_type AS text) FOR SHARE
), keys AS MATERIALIZED (
    SELECT k.key_fingerprint, k.key_changed_at, k.is_active
      FROM api_keys k JOIN mcp_types t ON t.id = k.mcp_type_id
     WHERE k.user_id = CAST(:user_id AS uuid) AND coalesce(t.service_type, t.name) = CAST(:service_type AS text)
       FOR SHARE OF k
), known AS MATERIALIZED (
    SELECT * FROM (SELECT * FROM shares UNION ALL SELECT * FROM keys) AS every
     ORDER BY is_active DESC, key_changed_at DESC LIMIT 1
), told AS MATERIALIZED (
    SELECT least(CAST(:at AS timestamptz), now()) AS at,
           (SELECT make_interval(mins => (value #>> '{}')::integer) FROM system_settings
             WHERE key = 'keys.validation_ttl_minutes') AS fresh
), recorded AS (
    INSERT INTO api_key_validation_cache AS c
           (user_id, service_type, key_hash, is_valid, validated_at, expires_at, validation_response)
    SELECT CAST(:user_id AS uuid), CAST(:service_type AS text), known.key_fingerprint, CAST(:is_valid AS boolean),
           told.at, told.at + told.fresh, CAST(:response AS jsonb)
      FROM known, told
     WHERE known.is_active AND known.key_fingerprint IS NOT NULL AND known.key_changed_at <= told.at
       AND told.at + told.fresh > now()
    ON CONFLICT (user_id, service_type, key_hash) DO UPDATE
       SET is_valid = excluded.is_valid, validated_at = excluded.validated_at, expires_at = excluded.expires_at,
           validation_response = excluded.validation_response
     WHERE c.validated_at <= excluded.validated_at
    RETURNING c.user_id
)
SELECT EXISTS (SELECT FROM service_registry WHERE service_type = CAST(:service_type AS text)),
       EXISTS (SELECT FROM known), EXISTS (SELECT FROM recorded)

-- The share of a user, or why there is none.  The user is locked before: what is counted here stays so.
-- A share that has ended lets the user begin anew, under a new id; a wish from before its end is too late.
WITH verdict AS MATERIALIZED (
SELECT CASE WHEN u.id IS NULL THEN 'unknown-user'
            WHEN r.service_type IS NULL THEN 'unknown-service'
            WHEN x.instance_id IS NOT NULL AND x.ended_at IS NULL THEN 'share-exists'
            WHEN x.ended_at >= CAST(:asked_at AS timestamptz) THEN 'share-ended'
            WHEN NOT r.is_available THEN 'service-unavailable'
            WHEN (SELECT count(*) FROM user_service_instances o WHERE o.user_id = u.id AND o.ended_at IS NULL)
                 >= b.most THEN 'too-many-shares' END AS refusal, b.most
  FROM (SELECT (value #>> '{}')::integer AS most FROM system_settings WHERE key = 'service.max_shares_per_user') b
  LEFT JOIN users u ON u.id = CAST(:user_id AS uuid) AND u.is_active AND u.deleted_at IS NULL
  LEFT JOIN service_registry r ON r.service_type = CAST(:service_type AS text)
  LEFT JOIN user_service_instances x ON x.user_id = u.id AND x.service_type = r.service_type
), made AS (
INSERT INTO user_service_instances (instance_id, user_id, service_type, encrypted_api_key, encryption_key_id,
                                    key_fingerprint, key_changed_at, config)
SELECT CAST(:instance_id AS text), CAST(:user_id AS uuid), CAST(:service_type AS text),
       CAST(:encrypted_api_key AS text), CAST(:encryption_key_id AS text), CAST(:key_fingerprint AS text),
       least(CAST(:asked_at AS timestamptz), now()), CAST(:config AS jsonb)
  FROM verdict WHERE refusal IS NULL
    ON CONFLICT (user_id, service_type) DO UPDATE
   SET instance_id = excluded.instance_id, encrypted_api_key = excluded.encrypted_api_key,
       encryption_key_id = excluded.encryption_key_id, key_fingerprint = excluded.key_fingerprint,
       key_changed_at = excluded.key_changed_at, config = excluded.config, encrypted_additional_credentials = '{}', migrated_from_instance_id = NULL,
       is_active = true, ended_at = NULL, end_reason = NULL, usage_count = 0, last_used_at = NULL,
       created_at = excluded.created_at
)
SELECT refusal, most FROM verdict

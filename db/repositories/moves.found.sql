-- Every dedicated key of some users, newest first for each service, with what keeps it from moving; and live instances
-- that have no key at all.  A type without a service of its own moves to the one of its name, if there is one.
WITH types AS MATERIALIZED (
    SELECT t.id, t.name, s.service_type, s.is_available
      FROM mcp_types t LEFT JOIN service_registry s ON s.service_type = coalesce(t.service_type, t.name)
     WHERE CAST(:service_type AS text) IS NULL OR s.service_type = CAST(:service_type AS text)
)
SELECT k.user_id, t.id, t.name, t.service_type, k.id, k.encryption_key_id, k.encrypted_dek, k.encryption_iv,
       k.encrypted_key, k.key_fingerprint, i.id, coalesce(i.config, '{}'), coalesce(i.created_at, k.created_at),
       i.last_accessed,
       CASE WHEN m.moved_at >= k.created_at THEN 'moved'
            WHEN u.deleted_at IS NOT NULL THEN 'user_deleted'
            WHEN NOT u.is_active THEN 'user_inactive'
            WHEN t.service_type IS NULL THEN 'service_unknown'
            WHEN NOT t.is_available THEN 'service_unavailable'
            WHEN NOT k.is_active THEN 'key_revoked'
            WHEN k.expires_at <= now() THEN 'key_expired'
            WHEN EXISTS (SELECT FROM user_service_instances x
                          WHERE x.user_id = k.user_id AND x.service_type = t.service_type) THEN 'share_exists'
       END, k.created_at
  FROM api_keys k
  JOIN users u ON u.id = k.user_id
  JOIN types t ON t.id = k.mcp_type_id
  LEFT JOIN shared_moves m ON m.api_key_id = k.id
  LEFT JOIN LATERAL (
       SELECT i.id, i.config, i.created_at, i.last_accessed FROM mcp_instances i
        WHERE i.user_id = k.user_id AND i.mcp_type_id = k.mcp_type_id AND i.deleted_at IS NULL
        ORDER BY i.is_active DESC, i.created_at DESC, i.id DESC LIMIT 1
  ) i ON true
 WHERE k.user_id = ANY (:user_ids)
UNION ALL
SELECT i.user_id, t.id, t.name, t.service_type, NULL, NULL, NULL, NULL, NULL, NULL, i.id, '{}', i.created_at, NULL,
       'no_key', NULL
  FROM mcp_instances i JOIN types t ON t.id = i.mcp_type_id
 WHERE i.user_id = ANY (:user_ids) AND i.is_active
   AND NOT EXISTS (SELECT FROM api_keys k WHERE k.user_id = i.user_id AND k.mcp_type_id = i.mcp_type_id)
   AND NOT EXISTS (SELECT FROM shared_moves m WHERE m.user_id = i.user_id AND m.mcp_type_id = i.mcp_type_id)
 ORDER BY 1, 4, 16 DESC NULLS LAST, 5 DESC, 11

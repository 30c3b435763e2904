-- A key is in use while an instance names it or a live instance of its user and type could.
WITH gone AS MATERIALIZED (
    SELECT k.* FROM api_keys k JOIN shared_moves m ON m.api_key_id = k.id AND m.moved_at >= k.created_at
     WHERE k.id = ANY (:api_key_ids)
       AND NOT EXISTS (SELECT FROM mcp_instances i WHERE i.api_key_id = k.id)
       AND NOT EXISTS (SELECT FROM mcp_instances i
                        WHERE i.user_id = k.user_id AND i.mcp_type_id = k.mcp_type_id AND i.is_active)
), kept AS (
    INSERT INTO api_keys_archive (id, user_id, mcp_type_id, encrypted_key, key_hint, encryption_iv, encrypted_dek,
           encryption_key_id, key_fingerprint, is_active, created_at, updated_at, expires_at,
           key_changed_at)
    SELECT id, user_id, mcp_type_id, encrypted_key, key_hint, encryption_iv, encrypted_dek,
           encryption_key_id, key_fingerprint, is_active, created_at, updated_at, expires_at,
           key_changed_at
      FROM gone
)
DELETE FROM api_keys k USING gone WHERE k.id = gone.id RETURNING k.id

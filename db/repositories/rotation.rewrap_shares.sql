-- Compared with what was read, so that a secret that was stored meanwhile is not overwritten by the one before.
WITH told AS (
    SELECT id, old, new, CAST(old_map AS jsonb) AS old_map, CAST(new_map AS jsonb) AS new_map
      FROM unnest(CAST(:ids AS text[]), CAST(:olds AS text[]), CAST(:news AS text[]),
                  CAST(:old_credentials AS text[]), CAST(:new_credentials AS text[]))
        AS t (id, old, new, old_map, new_map)
), held AS MATERIALIZED (
    -- What somebody else works on is met again by the next page or tick.
    SELECT instance_id AS id FROM user_service_instances
     WHERE instance_id = ANY (CAST(:ids AS text[])) ORDER BY instance_id FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE user_service_instances s
   SET encrypted_api_key = told.new, encrypted_additional_credentials = told.new_map,
       encryption_key_id = CAST(:key_id AS text)
  FROM held JOIN told USING (id)
 WHERE s.instance_id = held.id AND s.encrypted_api_key = told.old
   AND s.encrypted_additional_credentials = told.old_map

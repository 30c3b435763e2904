-- Compared with what was read, so that a key that was stored meanwhile is not given the data key of the one before.
WITH told AS (
    SELECT id, old, new
      FROM unnest(CAST(:ids AS uuid[]), CAST(:olds AS text[]), CAST(:news AS text[])) AS t (id, old, new)
), held AS MATERIALIZED (
    -- What somebody else works on is met again by the next page or tick.
    SELECT id FROM $table WHERE id = ANY (CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE $table k SET encrypted_dek = told.new, encryption_key_id = CAST(:key_id AS text)
  FROM held JOIN told USING (id)
 WHERE k.id = held.id AND k.encrypted_dek = told.old

-- What a span of time holds against what was sealed of it, or waits to be; the last word on a row counts.
WITH told AS (
SELECT u.row_id, u.row_time, u.row_hash, b.tenant_id, b.number, u.place, u.kind,
       b.created_at AS told_at
  FROM maintenance.audit_blocks b
 CROSS JOIN LATERAL unnest(b.row_ids, b.row_times, b.row_hashes, b.kinds)
       WITH ORDINALITY AS u (row_id, row_time, row_hash, kind, place)
 WHERE b.table_name = :table_name AND b.row_from < :until AND b.row_to >= :since AND b.row_ids IS NOT NULL
   AND (CAST(:tenant_id AS text) IS NULL OR b.tenant_id = CAST(:tenant_id AS text))
   AND u.row_time >= :since AND u.row_time < :until
UNION ALL
SELECT w.row_id, w.row_time, w.row_hash, w.tenant_id, NULL, w.id, w.kind, w.created_at
  FROM maintenance.audit_entries w
 WHERE w.table_name = :table_name AND w.row_time >= :since AND w.row_time < :until
   AND (CAST(:tenant_id AS text) IS NULL OR w.tenant_id = CAST(:tenant_id AS text))
), sealed AS (
SELECT DISTINCT ON (row_id, row_time) * FROM told ORDER BY row_id, row_time, number DESC NULLS FIRST, place DESC
), present AS (
SELECT r.id AS row_id, r.$dated AS row_time, coalesce($tenant, '') AS tenant_id, maintenance.audit_hash(r) AS row_hash
  FROM $table r
 WHERE r.$dated >= :since AND r.$dated < :until
   AND (CAST(:tenant_id AS text) IS NULL OR coalesce($tenant, '') = CAST(:tenant_id AS text))
), retired AS MATERIALIZED (
SELECT r.range_from, r.range_to, r.detached_at FROM maintenance.retired_ranges r
 WHERE r.table_name = :table_name AND r.range_from < :until AND r.range_to > :since
), compared AS MATERIALIZED (
SELECT coalesce(p.tenant_id, s.tenant_id) AS tenant_id, s.number, coalesce(p.row_id, s.row_id) AS row_id,
       coalesce(p.row_time, s.row_time) AS row_time,
       CASE WHEN s.row_id IS NULL THEN 'inserted' WHEN p.row_id IS NULL THEN 'removed'
            WHEN p.row_hash <> s.row_hash THEN 'changed' END AS problem
  FROM present p FULL JOIN sealed s ON s.row_id = p.row_id AND s.row_time = p.row_time
 -- A month that retention took may have got an empty partition since.
 WHERE p.row_id IS NOT NULL OR NOT EXISTS (
       SELECT FROM retired r WHERE s.row_time >= r.range_from AND s.row_time < r.range_to AND s.told_at < r.detached_at)
)
SELECT (SELECT count(*) FROM compared), (SELECT count(*) FROM told WHERE kind = 'restored'),
       coalesce((SELECT jsonb_agg(jsonb_build_array(c.tenant_id, c.number, c.row_id, c.row_time, c.problem))
                   FROM (SELECT * FROM compared WHERE problem IS NOT NULL ORDER BY row_time, row_id
                          LIMIT CAST(:limit AS integer)) c), '[]')

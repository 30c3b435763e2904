-- The time of which rows were sealed, but no partition has it and no record of retention tells where they are.
WITH explained AS (
SELECT c.schema_name || '.' || c.table_name AS table_name, c.range_from, c.range_to FROM maintenance.partition_catalog c
UNION ALL
SELECT r.table_name, r.range_from, r.range_to FROM maintenance.retired_ranges r
), unexplained AS (
SELECT s.table_name, unnest(tstzmultirange(tstzrange(s.row_from, s.row_to, '[]')) - coalesce((
       SELECT range_agg(tstzrange(e.range_from, e.range_to)) FROM explained e WHERE e.table_name = s.table_name), '{}')) AS span
  FROM (SELECT b.table_name, min(b.row_from) AS row_from, max(b.row_to) AS row_to FROM (
               SELECT table_name, tenant_id, row_from, row_to FROM maintenance.audit_blocks
               UNION ALL SELECT table_name, tenant_id, row_time, row_time FROM maintenance.audit_entries) b
         WHERE CAST(:tenant_id AS text) IS NULL OR b.tenant_id = CAST(:tenant_id AS text)
         GROUP BY b.table_name) s
), counted AS (
SELECT m.table_name, lower(m.span) AS since, upper(m.span) AS until, (
       SELECT count(DISTINCT u.row_id) FROM maintenance.audit_blocks b
        CROSS JOIN LATERAL unnest(b.row_ids, b.row_times) AS u (row_id, row_time)
        WHERE b.table_name = m.table_name AND b.row_from <= upper(m.span) AND b.row_to >= lower(m.span)
          AND b.row_ids IS NOT NULL AND m.span @> u.row_time
          AND (CAST(:tenant_id AS text) IS NULL OR b.tenant_id = CAST(:tenant_id AS text))) + (
       SELECT count(DISTINCT w.row_id) FROM maintenance.audit_entries w
        WHERE w.table_name = m.table_name AND m.span @> w.row_time
          AND (CAST(:tenant_id AS text) IS NULL OR w.tenant_id = CAST(:tenant_id AS text))) AS entries
  FROM unexplained m
)
SELECT table_name, since, until, entries FROM counted WHERE entries > 0 ORDER BY table_name, since

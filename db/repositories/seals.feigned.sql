-- Rows that were changed as if by an erasure, more often than erasures say that they did; others of audit_log lose users
-- by a foreign key.
WITH told AS (
SELECT b.table_name, sum(b.erased) AS erased FROM maintenance.audit_blocks b GROUP BY 1
UNION ALL
SELECT w.table_name, count(*) FROM maintenance.audit_entries w WHERE w.kind = 'erased' GROUP BY 1
), counted AS (
SELECT t.table_name, sum(t.erased)::bigint AS erased, (
       SELECT coalesce(sum((e.counts ->> t.table_name)::bigint), 0)::bigint FROM maintenance.erasures e) AS explained
  FROM told t WHERE t.table_name <> 'public.audit_log' GROUP BY t.table_name
)
SELECT table_name, erased, explained FROM counted WHERE erased > explained ORDER BY table_name

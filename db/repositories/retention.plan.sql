-- What retention would do, what it waits for, and what it leaves alone.
SELECT format('partitions.%I', c.partition_name) AS relation, format('%I.%I', c.schema_name, c.table_name) AS parent,
       c.range_from, c.range_to, c.estimated_rows AS rows, c.total_bytes, 'detach' AS step,
       c.range_to + make_interval(days => d.retention_days) AS due_at,
       CASE WHEN c.detach_pending THEN 'pending' WHEN NOT d.is_active THEN 'inactive' END AS waits, NULL::uuid AS hold
  FROM maintenance.partition_catalog c
  JOIN maintenance.data_retention_policies d USING (schema_name, table_name)
 WHERE c.detach_pending
    OR c.range_to <= maintenance.clock() - make_interval(days => d.retention_days - CAST(:days_ahead AS integer))
UNION ALL
SELECT d.relation, d.parent, d.range_from, d.range_to, greatest(c.reltuples, 0)::bigint, pg_total_relation_size(c.oid),
       'drop', d.drop_after,
       CASE WHEN c.relispartition OR n.nspname <> 'archive' THEN 'attached'
            WHEN d.archived_rows IS NULL AND (d.needs_archive OR p.strategy = 'detach_archive') THEN 'archive'
            WHEN h.hold IS NOT NULL THEN 'hold'
            WHEN d.drop_after > maintenance.clock() THEN 'grace' END, h.hold
  FROM maintenance.detached_partitions d
  JOIN pg_class c ON c.oid = d.relid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN maintenance.data_retention_policies p ON format('%I.%I', p.schema_name, p.table_name) = d.parent
 CROSS JOIN LATERAL (
       SELECT coalesce((SELECT o.id FROM maintenance.open_holds o WHERE o.id = d.held_by),
                       CASE WHEN CAST(:is_thorough AS boolean) THEN maintenance.hold_on(d.relid) END) AS hold
 ) h
 WHERE d.dropped_at IS NULL
UNION ALL
SELECT format('partitions.%I', s.partition_name), NULL, NULL, NULL, s.estimated_rows, s.total_bytes, 'none', NULL, 'stray', NULL
  FROM maintenance.stray_partitions s
 ORDER BY due_at NULLS LAST, relation

CREATE OR REPLACE VIEW maintenance.partition_health AS
SELECT d.schema_name, d.table_name, d.retention_days, count(c.relid) AS partitions,
       min(c.range_from) AS covered_from, max(c.range_to) AS covered_to,
       max(c.range_to) - maintenance.clock() AS horizon,
       (SELECT count(*) FROM maintenance.missing_partitions() m
         WHERE m.is_gap AND m.schema_name = d.schema_name AND m.table_name = d.table_name) AS gaps,
       count(*) FILTER (WHERE c.detach_pending) AS detach_pending,
       count(*) FILTER (WHERE c.range_to <= maintenance.clock() - make_interval(days => d.retention_days)) AS expired,
       coalesce(sum(c.estimated_rows), 0)::bigint AS estimated_rows,
       coalesce(sum(c.total_bytes), 0)::bigint AS total_bytes
  FROM maintenance.data_retention_policies d
  LEFT JOIN maintenance.partition_catalog c USING (schema_name, table_name)
 GROUP BY d.schema_name, d.table_name;

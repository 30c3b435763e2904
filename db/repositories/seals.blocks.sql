-- Each block of a page, and what is wrong with it or with the link to the one before.
WITH gone AS MATERIALIZED (
SELECT d.parent AS table_name, range_agg(tstzrange(d.range_from, d.range_to)) AS ranges
  FROM maintenance.detached_partitions d WHERE d.dropped_at IS NOT NULL AND d.attached_at IS NULL
 GROUP BY d.parent
)
SELECT b.table_name, b.tenant_id, b.number, b.entries, b.erased, encode(b.hash, 'hex'),
       CASE WHEN b.number > 1 AND before.number IS NULL THEN 'block-before-removed'
            WHEN b.previous_hash <> coalesce(before.hash, '') THEN 'block-unlinked'
            WHEN b.hash IS DISTINCT FROM maintenance.audit_block_hash(b) THEN 'block-changed'
            WHEN b.row_ids IS NULL
            THEN CASE WHEN coalesce(gone.ranges @> tstzrange(b.row_from, b.row_to, '[]'), false) THEN NULL
                      ELSE 'lists-removed' END
            WHEN cardinality(b.row_ids) = 0 THEN 'lists-removed'
            -- A list that is longer than another would tell of rows that are in no hash.
            WHEN ARRAY[cardinality(b.kinds), cardinality(b.row_ids), cardinality(b.row_times), cardinality(b.row_hashes)]
                 <> array_fill(b.entries, ARRAY[4])
                 OR b.rows_hash IS DISTINCT FROM maintenance.audit_rows_hash(b.kinds, b.row_ids, b.row_times, b.row_hashes)
            THEN 'block-changed' END
  FROM maintenance.audit_blocks b
  LEFT JOIN maintenance.audit_blocks before
         ON before.table_name = b.table_name AND before.tenant_id = b.tenant_id AND before.number = b.number - 1
  LEFT JOIN gone ON gone.table_name = b.table_name
 WHERE (b.table_name, b.tenant_id, b.number) > (:after_table, :after_tenant, :after_number)
   AND (CAST(:tenant_id AS text) IS NULL OR b.tenant_id = CAST(:tenant_id AS text))
 ORDER BY b.table_name, b.tenant_id, b.number LIMIT CAST(:limit AS integer)

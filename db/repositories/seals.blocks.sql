-- Each block of a page, and what is wrong with it or with the link to the one before.
SELECT b.table_name, b.tenant_id, b.number, b.entries, b.erased, encode(b.hash, 'hex'),
       CASE WHEN b.number > 1 AND before.number IS NULL THEN 'block-before-removed'
            WHEN b.previous_hash <> coalesce(before.hash, '') THEN 'block-unlinked'
            WHEN b.hash <> maintenance.audit_block_hash(b) THEN 'block-changed'
            WHEN b.row_ids IS NOT NULL
                 AND b.rows_hash <> maintenance.audit_rows_hash(b.kinds, b.row_ids, b.row_times, b.row_hashes)
            THEN 'block-changed' END
  FROM maintenance.audit_blocks b
  LEFT JOIN maintenance.audit_blocks before
         ON before.table_name = b.table_name AND before.tenant_id = b.tenant_id AND before.number = b.number - 1
 WHERE (b.table_name, b.tenant_id, b.number) > (:after_table, :after_tenant, :after_number)
   AND (CAST(:tenant_id AS text) IS NULL OR b.tenant_id = CAST(:tenant_id AS text))
 ORDER BY b.table_name, b.tenant_id, b.number LIMIT CAST(:limit AS integer)

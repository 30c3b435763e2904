    -- Nobody can compare what retention took; what was sealed of it stays in the hash.
    UPDATE maintenance.audit_blocks b SET kinds = NULL, row_ids = NULL, row_times = NULL, row_hashes = NULL
      FROM (SELECT r.table_name, range_agg(tstzrange(r.range_from, r.range_to)) - coalesce((
                   SELECT range_agg(tstzrange(c.range_from, c.range_to)) FROM maintenance.partition_catalog c
                    WHERE c.schema_name || '.' || c.table_name = r.table_name), '{}') AS ranges
              FROM maintenance.retired_ranges r WHERE r.dropped_at IS NOT NULL GROUP BY r.table_name) gone
     WHERE gone.table_name = b.table_name AND b.row_ids IS NOT NULL AND b.row_from < upper(gone.ranges)
       AND gone.ranges @> tstzrange(b.row_from, b.row_to, '[]');
    RETURN sealed;
END $$;

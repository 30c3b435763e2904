-- What a snapshot did not see has a transaction id that is not before the oldest one that was running then; its
-- subtransactions come after it, so no list of running transactions tells more.  Of those in between the ones that were
-- seen are left out by their numbers: all lines of a transaction become visible at once.
SELECT id, mcp_instance_id, timestamp, level, source, CASE WHEN is_wanted THEN message END,
       CASE WHEN is_wanted THEN metadata END, transaction, is_new, is_wanted, is_last, number
  FROM (
       SELECT l.*, is_new AND $wanted AS is_wanted, lead(id) OVER oldest IS NULL AS is_last,
              row_number() OVER oldest AS number
         FROM (
              SELECT id, mcp_instance_id, timestamp, level, source, message, metadata,
                     CAST(CAST(xmin AS text) AS bigint) AS transaction,
                     age(xmin) <= age(CAST(CAST(:horizon AS xid8) AS xid))
                     AND CAST(CAST(xmin AS text) AS bigint) <> ALL (CAST(:seen AS bigint[])) AS is_new
                FROM mcp_logs
               WHERE mcp_instance_id = ANY (ARRAY[CAST(:instance_id AS uuid)])
                 AND timestamp >= :since AND timestamp < :until
                 AND timestamp >= :after_at AND (timestamp, id) > (:after_at, :after_id)
               ORDER BY mcp_instance_id DESC, timestamp, id LIMIT CAST(:lines AS integer)
         ) l
       WINDOW oldest AS (ORDER BY mcp_instance_id DESC, timestamp, id)
  ) looked_at
 WHERE is_new OR is_last
 ORDER BY mcp_instance_id DESC, timestamp, id

-- Only so many lines are looked at, wanted or not, so that what is rare takes a statement no longer than what is
-- frequent.  The instance is asked for as a list and leads the order, which one index has: otherwise the planner may
-- walk the index on time alone, through the lines of all instances.
SELECT id, mcp_instance_id, timestamp, level, source, message, metadata, is_wanted, is_last, number
  FROM (
       SELECT l.*, $wanted AS is_wanted, lead(id) OVER newest IS NULL AS is_last, row_number() OVER newest AS number
         FROM (
              SELECT id, mcp_instance_id, timestamp, level, source, message, metadata
                FROM mcp_logs
               WHERE mcp_instance_id = ANY (ARRAY[CAST(:instance_id AS uuid)])
                 AND timestamp >= :since AND timestamp < :until
                 AND timestamp <= :before_at AND (timestamp, id) < (:before_at, :before_id)
               ORDER BY mcp_instance_id, timestamp DESC, id DESC LIMIT CAST(:lines AS integer)
         ) l
       WINDOW newest AS (ORDER BY mcp_instance_id, timestamp DESC, id DESC)
  ) looked_at
 WHERE is_wanted OR is_last
 ORDER BY mcp_instance_id, timestamp DESC, id DESC LIMIT CAST(:limit AS integer)

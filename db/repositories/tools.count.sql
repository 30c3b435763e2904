-- What calls add to the tools that they called, which are held in one order; what no server lists is not counted.
-- There is no count of calls that said how long they took: one that did not weighs as the mean of the others.
WITH called AS MATERIALIZED (
SELECT server_id, name, count(*) AS calls, count(*) FILTER (WHERE succeeded) AS successes,
       count(duration_ms) AS measured, avg(duration_ms) AS took
  FROM json_to_recordset(CAST(:calls AS json))
       AS c (server_id text, name text, succeeded boolean, duration_ms double precision)
 GROUP BY server_id, name
), held AS MATERIALIZED (
SELECT t.id, c.calls, c.successes, c.measured, c.took
  FROM called c JOIN gateway.server_tools t USING (server_id, name)
 ORDER BY t.server_id, t.name FOR NO KEY UPDATE OF t
)
UPDATE gateway.server_tools t
   SET total_calls = t.total_calls + h.calls, success_count = t.success_count + h.successes,
       error_count = t.error_count + h.calls - h.successes,
       avg_execution_time = CASE h.measured WHEN 0 THEN t.avg_execution_time
           ELSE coalesce(t.avg_execution_time, h.took)
                + (h.took - coalesce(t.avg_execution_time, h.took)) * h.measured / (t.total_calls + h.measured) END
  FROM held h WHERE t.id = h.id

-- The uses of a batch as rows, and what they add to their shares; the shares are held by the caller.
-- They are named beside the uses, for the planner cannot guess how few of all there are in a document.
WITH used AS MATERIALIZED (
SELECT id, instance_id, endpoint, method, status_code, response_time_ms, error_message, timestamp
  FROM json_to_recordset(CAST(:uses AS json)) AS use (
       id uuid, instance_id text, endpoint text, method text, status_code integer, response_time_ms integer,
       error_message text, timestamp timestamptz)
), shares AS MATERIALIZED (
SELECT instance_id, user_id, service_type FROM user_service_instances WHERE instance_id = ANY (CAST(:share_ids AS text[]))
), stored AS (
INSERT INTO service_usage_analytics (id, user_id, service_type, instance_id, endpoint, method, status_code,
                                     response_time_ms, error_message, timestamp)
SELECT used.id, shares.user_id, shares.service_type, used.instance_id, used.endpoint, used.method, used.status_code,
       used.response_time_ms, used.error_message, used.timestamp
  FROM used JOIN shares USING (instance_id)
), counted AS (
SELECT instance_id, count(*) AS uses, max(timestamp) AS last_used_at FROM used GROUP BY instance_id
)
UPDATE user_service_instances u
   SET usage_count = u.usage_count + counted.uses, last_used_at = greatest(u.last_used_at, counted.last_used_at)
  FROM counted
 WHERE u.instance_id = counted.instance_id AND u.instance_id = ANY (CAST(:share_ids AS text[]))

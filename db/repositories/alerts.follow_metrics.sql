-- A limit is broken once each sample of a server has broken it for as long as the rule says, a year at most, and holds again
-- with the first that does not; of a rule without a server, any server counts, but not one that broke it for a moment.
-- Where nothing is sampled, nothing turns, unless the server is deleted.  Of a server that keeps to it only the newest sample is
-- read.
WITH rules AS MATERIALIZED (
SELECT a.id, a.server_id, a.metric_name, a.comparison_operator, a.threshold_value::numeric AS threshold_value, a.is_active,
       make_interval(mins => least(a.duration_minutes, 525600)) AS lasting
  FROM gateway.performance_alerts a
 WHERE a.target_id IS NULL AND a.metric_name NOT LIKE 'maintenance.%' AND (a.is_active OR a.is_triggered)
), states AS (
SELECT r.id, s.id AS server_id, newest.value, NOT newest.is_broken OR held.timestamp IS NOT NULL AS has_held,
       newest.is_broken AND coalesce(newest.timestamp - since.timestamp >= r.lasting, false) AS is_broken
  FROM rules r
  JOIN gateway.mcp_servers s ON s.deleted_at IS NULL AND (r.server_id IS NULL OR s.id = r.server_id)
 CROSS JOIN LATERAL (SELECT m.* FROM ($samples) m ORDER BY m.timestamp DESC LIMIT 1) newest
  LEFT JOIN LATERAL (
       SELECT m.timestamp FROM ($samples) m WHERE newest.is_broken AND NOT m.is_broken ORDER BY m.timestamp DESC LIMIT 1
  ) held ON true
  LEFT JOIN LATERAL (
       SELECT m.timestamp FROM ($samples) m
        WHERE newest.is_broken AND m.is_broken AND m.timestamp > coalesce(held.timestamp, '-infinity')
        ORDER BY m.timestamp LIMIT 1
  ) since ON true
 WHERE r.is_active
), judged AS (
SELECT t.id, bool_or(t.is_broken) AS is_broken, bool_and(t.has_held AND NOT t.is_broken) AS holds,
       string_agg(t.server_id || ' says ' || t.value, ', ' ORDER BY t.server_id) FILTER (WHERE t.is_broken) AS told
  FROM states t GROUP BY t.id
), opened AS (
UPDATE gateway.performance_alerts a
   SET is_triggered = true, first_triggered = now(), last_triggered = now(), resolved_at = NULL, acknowledged_at = NULL,
       trigger_count = a.trigger_count + 1,
       last_notification = CASE WHEN a.last_notification > now() - make_interval(mins => a.cooldown_minutes)
                                THEN a.last_notification ELSE now() END
  FROM judged j WHERE j.id = a.id AND j.is_broken AND a.is_active AND NOT a.is_triggered
RETURNING coalesce(a.server_id || ': ', '') || a.name AS name, a.metric_name || ' ' || a.comparison_operator || ' '
          || a.threshold_value || ' for ' || a.duration_minutes || ' min; ' || j.told AS told,
          a.last_notification = now() AS is_news
), resolved AS (
UPDATE gateway.performance_alerts a SET is_triggered = false, resolved_at = now()
  FROM rules r LEFT JOIN judged j USING (id)
 WHERE r.id = a.id AND a.is_triggered AND (NOT a.is_active OR j.holds OR EXISTS (
       SELECT FROM gateway.mcp_servers gone WHERE gone.id = r.server_id AND gone.deleted_at IS NOT NULL))
RETURNING coalesce(a.server_id || ': ', '') || a.name AS name
)
SELECT name, told, is_news FROM opened UNION ALL SELECT name, NULL, true FROM resolved ORDER BY name

-- A limit is broken once each sample of a server has broken it for as long as the rule says, a year at most, and holds again
-- with the first that does not; of a rule without a server, any server counts, but not one that broke it for a moment.
-- Where nothing is sampled, nothing turns, unless the server is deleted.
WITH rules AS MATERIALIZED (
SELECT a.id, a.server_id, a.metric_name, a.comparison_operator, a.threshold_value::numeric AS threshold_value, a.is_active,
       make_interval(mins => least(a.duration_minutes, 525600)) AS lasting
  FROM gateway.performance_alerts a
 WHERE a.target_id IS NULL AND a.metric_name NOT LIKE 'maintenance.%' AND (a.is_active OR a.is_triggered)
), sampled AS (
SELECT r.id, r.lasting, s.id AS server_id, m.timestamp,
       CASE r.comparison_operator WHEN '>' THEN m.value > r.threshold_value WHEN '<' THEN m.value < r.threshold_value
            WHEN '>=' THEN m.value >= r.threshold_value WHEN '<=' THEN m.value <= r.threshold_value
            ELSE m.value = r.threshold_value END AS is_broken, m.value
  FROM rules r
  JOIN gateway.mcp_servers s ON s.deleted_at IS NULL AND (r.server_id IS NULL OR s.id = r.server_id)
 CROSS JOIN LATERAL (
       SELECT g.timestamp, coalesce((CASE r.metric_name
                  WHEN 'response_time_ms' THEN g.response_time_ms WHEN 'requests_per_second' THEN g.requests_per_second
                  WHEN 'error_rate' THEN g.error_rate WHEN 'cpu_usage' THEN g.cpu_usage
                  WHEN 'memory_usage_mb' THEN g.memory_usage_mb WHEN 'active_connections' THEN g.active_connections
                  WHEN 'connection_pool_size' THEN g.connection_pool_size END)::numeric,
                  CASE jsonb_typeof(g.custom_metrics -> r.metric_name)
                  WHEN 'number' THEN (g.custom_metrics ->> r.metric_name)::numeric END) AS value
         FROM gateway.server_metrics g
        WHERE g.server_id = s.id AND g.timestamp > now() - 2 * r.lasting - interval '10 minutes'
          AND g.timestamp <= now() + interval '10 minutes'
 ) m
 WHERE r.is_active AND m.value IS NOT NULL
), streaks AS (
SELECT s.id, s.server_id, s.lasting, max(s.timestamp) AS newest, max(s.timestamp) FILTER (WHERE NOT s.is_broken) AS held_at,
       (array_agg(s.value ORDER BY s.timestamp DESC))[1] AS value
  FROM sampled s GROUP BY s.id, s.server_id, s.lasting
), states AS (
SELECT k.id, k.server_id, k.value, k.held_at IS NOT NULL AS has_held,
       k.held_at IS DISTINCT FROM k.newest AND k.newest - (
           SELECT min(b.timestamp) FROM sampled b
            WHERE b.id = k.id AND b.server_id = k.server_id AND b.timestamp > coalesce(k.held_at, '-infinity')
       ) >= k.lasting AS is_broken
  FROM streaks k
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

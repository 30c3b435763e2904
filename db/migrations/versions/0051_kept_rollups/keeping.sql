-- None that is in order: it would draw what one tenant asks for away from the index of tenants.
CREATE INDEX idx_request_rollups_starts_at ON gateway.request_rollups USING brin (starts_at);
COMMENT ON INDEX gateway.idx_request_rollups_starts_at IS 'The oldest hours and days, which go first';
CREATE INDEX idx_metric_rollups_starts_at ON gateway.metric_rollups USING brin (starts_at);
COMMENT ON INDEX gateway.idx_metric_rollups_starts_at IS 'The oldest hours and days, which go first';
CREATE INDEX idx_service_usage_rollups_starts_at ON service_usage_rollups USING brin (starts_at);
COMMENT ON INDEX idx_service_usage_rollups_starts_at IS 'The oldest hours and days, which go first';
CREATE INDEX idx_rollup_hours_hour ON rollup_hours (hour);
COMMENT ON INDEX idx_rollup_hours_hour IS 'The oldest hours, which go first';

-- An hour is read from its rows again before anything that was counted of it goes.
INSERT INTO maintenance.row_policies (table_name, age, condition, keep_days, description)
SELECT name, age, format(condition, counted), 183, description
  FROM (VALUES
        ('gateway.request_rollups', 'starts_at', 'gateway.request_logs'),
        ('gateway.metric_rollups', 'starts_at', 'gateway.server_metrics'),
        ('public.service_usage_rollups', 'starts_at', 'public.service_usage_analytics')) AS t (name, age, counted)
 CROSS JOIN (VALUES (
        'CASE t.unit WHEN ''hour'' THEN NOT EXISTS (SELECT FROM public.rollup_hours h WHERE h.table_name = %L'
        ' AND h.hour = t.starts_at) ELSE t.starts_at < maintenance.clock() - interval ''731 days'' END',
        'Hours for six months, as calls of services are kept; days for a year and what it is compared with')) AS p (condition, description)
 UNION ALL
VALUES ('gateway.request_users', 'hour',
        'NOT EXISTS (SELECT FROM public.rollup_hours h WHERE h.table_name = ''gateway.request_logs'' AND h.hour = t.hour)',
        183, 'Who asked, as long as the hours'),
       ('public.rollup_hours', 'hour', 'true', 183, 'Which hours are counted; what was counted of them goes after this');

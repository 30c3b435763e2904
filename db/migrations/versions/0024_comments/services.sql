COMMENT ON COLUMN service_registry.name IS 'What its definition calls it';
COMMENT ON COLUMN service_registry.display_name IS 'What people are shown';
COMMENT ON COLUMN service_registry.description IS 'What the service does';
COMMENT ON COLUMN service_registry.icon_url IS 'Picture of the service';
COMMENT ON COLUMN service_registry.category IS 'What the service is listed under';
COMMENT ON COLUMN service_registry.port IS 'Where it listens; a definition without one gets the lowest free port from 40000 on';
COMMENT ON COLUMN service_registry.auth_type IS 'What a user brings along: api_key, oauth2, basic_auth or none';
COMMENT ON COLUMN service_registry.is_available IS 'A service that is not available gets no new users';

COMMENT ON COLUMN user_service_instances.user_id IS 'Whose share it is; row level security goes by it';
COMMENT ON COLUMN user_service_instances.service_type IS 'The service that is shared';
COMMENT ON COLUMN user_service_instances.is_active IS 'False once the share was given up';
COMMENT ON COLUMN user_service_instances.config IS 'What the user set up; never a secret';
COMMENT ON COLUMN user_service_instances.last_used_at IS 'When it was last used; written in batches';

COMMENT ON COLUMN service_health_status.service_type IS 'The service that was checked';
COMMENT ON COLUMN service_health_status.is_healthy IS 'What the newest check found; true before the first one';
COMMENT ON COLUMN service_health_status.response_time_ms IS 'How long its answer took';
COMMENT ON COLUMN service_health_status.error_message IS 'What went wrong in it, in a sentence';
COMMENT ON COLUMN service_health_status.consecutive_failures IS 'Failed checks since the last good one';
COMMENT ON COLUMN service_health_status.uptime_percentage IS 'Per cent of its checks that were good';

COMMENT ON COLUMN service_usage_analytics.user_id IS 'Who called; row level security goes by it';
COMMENT ON COLUMN service_usage_analytics.service_type IS 'The service that was called';
COMMENT ON COLUMN service_usage_analytics.endpoint IS 'The path that was called';
COMMENT ON COLUMN service_usage_analytics.method IS 'Method of HTTP';
COMMENT ON COLUMN service_usage_analytics.status_code IS 'Status of HTTP';
COMMENT ON COLUMN service_usage_analytics.response_time_ms IS 'How long the answer took';
COMMENT ON COLUMN service_usage_analytics.error_message IS 'What went wrong, in a sentence';
COMMENT ON COLUMN service_usage_analytics.created_at IS 'When it was stored';

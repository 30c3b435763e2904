COMMENT ON COLUMN gateway.mv_request_stats_hourly.hour IS 'Beginning of the hour, in UTC';
COMMENT ON COLUMN gateway.mv_request_stats_hourly.target_server_id IS 'Empty for requests that no server was found for';
COMMENT ON COLUMN gateway.mv_request_stats_hourly.total_requests IS 'Requests of the hour';
COMMENT ON COLUMN gateway.mv_request_stats_hourly.error_requests IS 'Those with a status of 400 or above';
COMMENT ON COLUMN gateway.mv_request_stats_hourly.avg_duration_ms IS 'How long an answer took, on average';
COMMENT ON COLUMN gateway.mv_request_stats_hourly.p95_duration_ms IS 'What 95 of 100 answers did not take longer than';

COMMENT ON COLUMN maintenance.partition_catalog.schema_name IS 'Where the partitioned table is';
COMMENT ON COLUMN maintenance.partition_catalog.table_name IS 'The partitioned table';
COMMENT ON COLUMN maintenance.partition_catalog.partition_name IS 'Its partition, in the schema partitions';
COMMENT ON COLUMN maintenance.partition_catalog.relid IS 'Identity of the partition, whatever it is called';
COMMENT ON COLUMN maintenance.partition_catalog.detach_pending IS 'Somebody began to detach it concurrently and did not finish';
COMMENT ON COLUMN maintenance.partition_catalog.range_from IS 'The first moment that its rows can be of';
COMMENT ON COLUMN maintenance.partition_catalog.range_to IS 'The first moment that they cannot be of any more';
COMMENT ON COLUMN maintenance.partition_catalog.estimated_rows IS 'As the planner believes';
COMMENT ON COLUMN maintenance.partition_catalog.total_bytes IS 'On disk, indexes included';

COMMENT ON COLUMN maintenance.partition_health.schema_name IS 'Where the partitioned table is';
COMMENT ON COLUMN maintenance.partition_health.table_name IS 'The partitioned table';
COMMENT ON COLUMN maintenance.partition_health.retention_days IS 'How long its policy keeps a row';
COMMENT ON COLUMN maintenance.partition_health.partitions IS 'How many it has';
COMMENT ON COLUMN maintenance.partition_health.covered_from IS 'The first moment that a row can be of';
COMMENT ON COLUMN maintenance.partition_health.covered_to IS 'The first moment that no row can be of any more';
COMMENT ON COLUMN maintenance.partition_health.horizon IS 'How far that is ahead; rows are refused when it is 0';
COMMENT ON COLUMN maintenance.partition_health.gaps IS 'Partitions that do not begin where the one before ends';
COMMENT ON COLUMN maintenance.partition_health.detach_pending IS 'Partitions that are half detached';
COMMENT ON COLUMN maintenance.partition_health.expired IS 'Partitions past their retention that are still attached';
COMMENT ON COLUMN maintenance.partition_health.estimated_rows IS 'Of all its partitions, as the planner believes';
COMMENT ON COLUMN maintenance.partition_health.total_bytes IS 'Of all its partitions, on disk, indexes included';

COMMENT ON COLUMN performance_monitoring.component IS 'What the row counts: servers, or recent_requests';
COMMENT ON COLUMN performance_monitoring.total_count IS 'How many there are';
COMMENT ON COLUMN performance_monitoring.healthy_count IS 'Healthy servers, or requests with a status below 400';
COMMENT ON COLUMN performance_monitoring.unhealthy_count IS 'Unhealthy servers, or requests with a status of 400 or above';
COMMENT ON COLUMN performance_monitoring.avg_response_time IS 'Milliseconds';

COMMENT ON COLUMN user_services_summary.user_id IS 'Whose share it is';
COMMENT ON COLUMN user_services_summary.service_type IS 'The service that is shared';
COMMENT ON COLUMN user_services_summary.display_name IS 'What people are shown';
COMMENT ON COLUMN user_services_summary.category IS 'What the service is listed under';
COMMENT ON COLUMN user_services_summary.instance_id IS 'The user''s share';
COMMENT ON COLUMN user_services_summary.is_active IS 'False once the share was given up';
COMMENT ON COLUMN user_services_summary.created_at IS 'When the share was made';
COMMENT ON COLUMN user_services_summary.last_used_at IS 'When it was last used';
COMMENT ON COLUMN user_services_summary.usage_count IS 'How often it was used so far';
COMMENT ON COLUMN user_services_summary.service_healthy IS 'What the newest check of the service found';

COMMENT ON COLUMN service_health_dashboard.service_type IS 'The service';
COMMENT ON COLUMN service_health_dashboard.display_name IS 'What people are shown';
COMMENT ON COLUMN service_health_dashboard.category IS 'What the service is listed under';
COMMENT ON COLUMN service_health_dashboard.port IS 'Where it listens';
COMMENT ON COLUMN service_health_dashboard.is_healthy IS 'What its newest check found';
COMMENT ON COLUMN service_health_dashboard.last_health_check IS 'When that check was made';
COMMENT ON COLUMN service_health_dashboard.response_time_ms IS 'How long its answer took';
COMMENT ON COLUMN service_health_dashboard.consecutive_failures IS 'Failed checks since the last good one';
COMMENT ON COLUMN service_health_dashboard.uptime_percentage IS 'Per cent of its checks that were good';
COMMENT ON COLUMN service_health_dashboard.active_users IS 'Shares of it that are active';

COMMENT ON COLUMN database_size_summary.schemaname IS 'Where the table is';
COMMENT ON COLUMN database_size_summary.tablename IS 'The table';
COMMENT ON COLUMN database_size_summary.partitions IS 'How many partitions it has; their sizes are counted';
COMMENT ON COLUMN database_size_summary.table_size IS 'Everything together, for people to read';
COMMENT ON COLUMN database_size_summary.data_size IS 'Rows alone';
COMMENT ON COLUMN database_size_summary.index_size IS 'Indexes alone';
COMMENT ON COLUMN database_size_summary.total_bytes IS 'Everything together, to sort and compare by';

COMMENT ON COLUMN index_usage_summary.schemaname IS 'Where the index is';
COMMENT ON COLUMN index_usage_summary.tablename IS 'The table or partition that it is of';
COMMENT ON COLUMN index_usage_summary.indexname IS 'The index';
COMMENT ON COLUMN index_usage_summary.index_scans IS 'How often it was used';
COMMENT ON COLUMN index_usage_summary.tuples_read IS 'Entries that were read in it';
COMMENT ON COLUMN index_usage_summary.tuples_fetched IS 'Rows that were found through it';
COMMENT ON COLUMN index_usage_summary.index_size IS 'How much disk it takes';
COMMENT ON COLUMN index_usage_summary.usage_category IS 'Unused, Low usage (below 100 times) or Active';
COMMENT ON COLUMN index_usage_summary.is_valid IS 'False for an index whose concurrent creation failed';

COMMENT ON COLUMN table_health_summary.schemaname IS 'Where the table is';
COMMENT ON COLUMN table_health_summary.tablename IS 'The table or partition';
COMMENT ON COLUMN table_health_summary.size IS 'How much disk it takes, indexes included';
COMMENT ON COLUMN table_health_summary.row_count IS 'Live rows, as counted by the statistics';
COMMENT ON COLUMN table_health_summary.dead_rows IS 'Rows that wait for vacuum';
COMMENT ON COLUMN table_health_summary.last_vacuum IS 'When somebody last vacuumed it by hand';
COMMENT ON COLUMN table_health_summary.last_autovacuum IS 'When autovacuum last did';
COMMENT ON COLUMN table_health_summary.last_analyze IS 'When its statistics were last gathered by hand';
COMMENT ON COLUMN table_health_summary.last_autoanalyze IS 'When autovacuum last gathered them';

SELECT total_requests, unique_users, avg_duration_ms, error_rate
  FROM get_tenant_usage_summary(:tenant_id, 24)

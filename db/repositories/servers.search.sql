SELECT id, tenant_id, name, description, endpoint_url, transport_type, status, health_status, capabilities,
       tags, timeout_ms, avg_response_time, success_rate, last_health_check
  FROM gateway.mcp_servers, websearch_to_tsquery('english', :words) AS query
 WHERE to_tsvector('english', name || ' ' || coalesce(description, '')) @@ query
   AND (tenant_id = :tenant_id OR tenant_id IS NULL) AND deleted_at IS NULL
 ORDER BY ts_rank(to_tsvector('english', name || ' ' || coalesce(description, '')), query) DESC, id
 LIMIT CAST(:limit AS integer)

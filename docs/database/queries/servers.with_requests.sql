SELECT s.id, s.name, count(*) AS requests, round(avg(r.duration_ms)::numeric, 2) AS avg_response_ms,
       max(r.request_time) AS last_request
  FROM gateway.mcp_servers s
  JOIN gateway.request_logs r ON r.target_server_id = s.id
 WHERE s.tenant_id = :tenant_id AND s.deleted_at IS NULL AND r.request_time >= :since
 GROUP BY s.id
 ORDER BY requests DESC, s.id LIMIT 50

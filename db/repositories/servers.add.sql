INSERT INTO gateway.mcp_servers (id, tenant_id, name, description, endpoint_url, transport_type, status, timeout_ms,
                                 expires_at, tags, configuration)
VALUES (:server_id, :tenant_id, :name, :description, :endpoint_url, :transport_type, :status, :timeout_ms,
        :expires_at, CAST(:tags AS jsonb), CAST(:configuration AS jsonb))

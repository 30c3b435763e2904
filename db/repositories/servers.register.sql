-- A server stays its tenant's, and what was said before the last word changes nothing.
INSERT INTO gateway.mcp_servers AS s (id, tenant_id, name, description, endpoint_url, transport_type, status, timeout_ms,
                                      expires_at, tags, configuration, registered_at)
VALUES (:server_id, :tenant_id, :name, :description, :endpoint_url, :transport_type, :status, :timeout_ms,
        :expires_at, CAST(:tags AS jsonb), CAST(:configuration AS jsonb), :said_at)
    ON CONFLICT (id) DO UPDATE
   SET name = excluded.name, description = excluded.description, endpoint_url = excluded.endpoint_url,
       transport_type = excluded.transport_type, status = excluded.status, timeout_ms = excluded.timeout_ms,
       expires_at = excluded.expires_at, tags = excluded.tags, configuration = excluded.configuration,
       registered_at = excluded.registered_at, deleted_at = NULL
 WHERE s.tenant_id IS NOT DISTINCT FROM excluded.tenant_id
   AND (s.registered_at IS NULL OR s.registered_at <= excluded.registered_at)
RETURNING s.id

-- What happened to an instance goes with it; its lines and checks are waited for, since the delete would take them along.
WITH gone AS MATERIALIZED (
    SELECT i.* FROM mcp_instances i
     WHERE i.id = ANY (:instance_ids) AND NOT i.is_active
       AND NOT EXISTS (SELECT FROM mcp_logs l WHERE l.mcp_instance_id = i.id)
       AND NOT EXISTS (SELECT FROM health_targets t JOIN health_checks h ON h.target_id = t.id
                        WHERE t.mcp_instance_id = i.id)
       AND NOT EXISTS (SELECT FROM maintenance.open_holds h
                        WHERE h.instance_id = i.id
                           OR h.tenant_id = (SELECT u.tenant_id FROM users u WHERE u.id = i.user_id))
), events AS (
    INSERT INTO mcp_events_archive (id, mcp_instance_id, user_id, event_type, event_data, ip_address, user_agent, created_at)
    SELECT e.id, e.mcp_instance_id, e.user_id, e.event_type, e.event_data, e.ip_address, e.user_agent, e.created_at
      FROM mcp_events e JOIN gone ON gone.id = e.mcp_instance_id
), kept AS (
    INSERT INTO mcp_instances_archive (id, user_id, mcp_type_id, api_key_id, name, host_id, process_id,
           process_started_at, access_token_hash, access_token_hint, access_url, assigned_port, status, is_active,
           expires_at, config, error_message, last_accessed, last_health_check, stats, created_at, updated_at, deleted_at,
           pending_since, restored_at, stats_at)
    SELECT id, user_id, mcp_type_id, api_key_id, name, host_id, process_id,
           process_started_at, access_token_hash, access_token_hint, access_url, assigned_port, status, is_active,
           expires_at, config, error_message, last_accessed, last_health_check, stats, created_at, updated_at, deleted_at,
           pending_since, restored_at, stats_at
      FROM gone
)
DELETE FROM mcp_instances i USING gone WHERE i.id = gone.id RETURNING i.id

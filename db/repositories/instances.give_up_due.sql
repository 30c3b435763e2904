WITH patience AS MATERIALIZED (
    SELECT (value #>> '{}')::integer AS minutes FROM system_settings WHERE key = 'mcp.start_deadline_minutes'
), due AS MATERIALIZED (
    SELECT i.id FROM mcp_instances i, patience
     WHERE i.status IN ($origins) AND i.deleted_at IS NULL
       AND i.pending_since < now() - make_interval(mins => patience.minutes)
     ORDER BY i.pending_since LIMIT CAST(:limit AS integer) FOR NO KEY UPDATE OF i SKIP LOCKED
), moved AS (
    UPDATE mcp_instances i
       SET status = '$target',
           error_message = format('It did not start within %s minutes.', (SELECT minutes FROM patience))
      FROM due WHERE i.id = due.id
    RETURNING i.id, i.user_id, i.error_message
), released AS (
    UPDATE port_allocations p SET is_available = true, mcp_instance_id = NULL, released_at = now()
      FROM moved WHERE p.mcp_instance_id = moved.id
), event AS (
    INSERT INTO mcp_events (mcp_instance_id, user_id, event_type, event_data)
    SELECT id, user_id, '$event', jsonb_build_object('occurred_at', now(), 'from', 'pending', 'error', error_message)
      FROM moved
)
SELECT id FROM moved ORDER BY id

WITH due AS MATERIALIZED (
    SELECT id, status FROM mcp_instances
     WHERE expires_at < now() AND status IN ($origins) AND deleted_at IS NULL
     ORDER BY expires_at LIMIT CAST(:limit AS integer) FOR NO KEY UPDATE SKIP LOCKED
), moved AS (
    UPDATE mcp_instances i SET status = '$target' FROM due WHERE i.id = due.id
    RETURNING i.id, i.user_id, i.expires_at, due.status AS was
), released AS (
    UPDATE port_allocations p SET is_available = true, mcp_instance_id = NULL, released_at = now()
      FROM moved WHERE p.mcp_instance_id = moved.id
), event AS (
    INSERT INTO mcp_events (mcp_instance_id, user_id, event_type, event_data)
    SELECT id, user_id, '$event', jsonb_build_object('occurred_at', expires_at, 'from', was) FROM moved
)
SELECT id FROM moved ORDER BY expires_at, id

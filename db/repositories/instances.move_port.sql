-- Somebody else listens on the port: it is set aside with the reason, and the next one is leased.
WITH found AS MATERIALIZED (
    SELECT id, user_id, host_id, assigned_port, status, deleted_at FROM mcp_instances
     WHERE id = CAST(:instance_id AS uuid) FOR NO KEY UPDATE
), waiting AS MATERIALIZED (
    SELECT f.id FROM found f JOIN mcp_instances i USING (id)
     WHERE f.status = 'pending' AND f.deleted_at IS NULL
       AND (i.restored_at IS NULL OR i.restored_at <= CAST(:at AS timestamptz))
), aside AS (
    UPDATE port_allocations p
       SET mcp_instance_id = NULL, is_available = false, set_aside_at = now(), set_aside_reason = CAST(:error AS text)
      FROM waiting WHERE p.mcp_instance_id = waiting.id
    RETURNING p.port
), free AS MATERIALIZED (
    SELECT p.host_id, p.port FROM port_allocations p, found, waiting
     WHERE p.host_id = found.host_id AND p.is_available
       -- The old port is given up first: no instance has two.
       AND (SELECT count(*) FROM aside) >= 0
     ORDER BY p.released_at NULLS FIRST, p.port LIMIT 1 FOR UPDATE OF p SKIP LOCKED
), lease AS (
    UPDATE port_allocations p
       SET is_available = false, mcp_instance_id = CAST(:instance_id AS uuid), allocated_at = now()
      FROM free WHERE p.host_id = free.host_id AND p.port = free.port
    RETURNING p.host_id, p.port
), moved AS (
    UPDATE mcp_instances i
       SET status = CASE WHEN lease.port IS NULL THEN 'error' ELSE i.status END,
           error_message = CASE WHEN lease.port IS NULL THEN format('No other port is free on the host %s.', i.host_id) END,
           assigned_port = coalesce(lease.port, i.assigned_port),
           access_url = CASE WHEN lease.port IS NULL THEN i.access_url
                             ELSE 'http://' || CASE lease.host_id WHEN 'local' THEN 'localhost' ELSE lease.host_id END
                                  || ':' || lease.port END
      FROM waiting LEFT JOIN lease ON true WHERE i.id = waiting.id
    RETURNING i.id, i.status, i.assigned_port
), event AS (
    INSERT INTO mcp_events (mcp_instance_id, user_id, event_type, event_data)
    SELECT found.id, found.user_id,
           CASE WHEN moved.id IS NULL THEN 'refused_move_port' WHEN moved.status = 'error' THEN 'error' ELSE 'port_moved' END,
           jsonb_strip_nulls(jsonb_build_object(
               'occurred_at', CAST(:at AS timestamptz), 'from', found.status, 'error', CAST(:error AS text),
               'taken', found.assigned_port, 'port', CASE WHEN moved.status = 'pending' THEN moved.assigned_port END))
      FROM found LEFT JOIN moved ON true
)
SELECT moved.status IS NOT DISTINCT FROM 'pending' FROM found LEFT JOIN moved ON true

WITH bounds AS MATERIALIZED (
    SELECT max((value #>> '{}')::integer) FILTER (WHERE key = 'port.range_start') AS first,
           max((value #>> '{}')::integer) FILTER (WHERE key = 'port.range_end') AS last,
           max((value #>> '{}')::integer) FILTER (WHERE key = 'port.set_aside_minutes') AS minutes
      FROM system_settings WHERE key IN ('port.range_start', 'port.range_end', 'port.set_aside_minutes')
), stale AS MATERIALIZED (
    SELECT p.host_id, p.port FROM port_allocations p, bounds
     WHERE NOT p.is_available
       -- Whether an instance is live is read from an older snapshot than a port that was just leased.
       AND (p.allocated_at IS NULL OR p.allocated_at < now() - interval '1 minute')
       AND CASE WHEN p.set_aside_at IS NOT NULL THEN p.set_aside_at < now() - make_interval(mins => bounds.minutes)
                ELSE NOT EXISTS (SELECT FROM mcp_instances i WHERE i.id = p.mcp_instance_id AND i.is_active) END
       FOR UPDATE OF p SKIP LOCKED
), released AS (
    UPDATE port_allocations p
       SET is_available = true, mcp_instance_id = NULL, released_at = now(), set_aside_at = NULL, set_aside_reason = NULL
      FROM stale WHERE p.host_id = stale.host_id AND p.port = stale.port
    RETURNING p.port
), removed AS (
    DELETE FROM port_allocations p USING bounds
     WHERE p.from_range AND p.is_available AND p.port NOT BETWEEN bounds.first AND bounds.last
    RETURNING p.port
), added AS (
    INSERT INTO port_allocations (host_id, port, from_range)
    SELECT host_id, generate_series(bounds.first, bounds.last), true
      FROM bounds, (SELECT DISTINCT host_id FROM port_allocations WHERE from_range) hosts
    ON CONFLICT DO NOTHING
    RETURNING port
)
SELECT (SELECT count(*) FROM released), (SELECT count(*) FROM removed), (SELECT count(*) FROM added)

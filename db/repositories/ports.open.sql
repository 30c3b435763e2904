INSERT INTO port_allocations (host_id, port, from_range)
SELECT CAST(:host_id AS text), generate_series(first, last), true
  FROM (SELECT max((value #>> '{}')::integer) FILTER (WHERE key = 'port.range_start') AS first,
               max((value #>> '{}')::integer) FILTER (WHERE key = 'port.range_end') AS last
          FROM system_settings WHERE key IN ('port.range_start', 'port.range_end')) bounds
-- Another worker may have opened it meanwhile: every port is returned all the same.
ON CONFLICT (host_id, port) DO UPDATE SET from_range = true
RETURNING port

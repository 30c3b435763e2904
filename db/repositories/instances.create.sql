-- One statement creates instances of any number of users, leases their ports and records the events, or says why not.
--
-- The limit per user is exact because count_live_instances() locks the user and then counts in a snapshot of its own,
-- newer than this statement's: a lock taken by the statement itself would be waited for and then be followed by a count
-- of what was there before the wait.
WITH wish AS MATERIALIZED (
    SELECT * FROM ROWS FROM (
        unnest(CAST(:instance_ids AS uuid[])), unnest(CAST(:user_ids AS uuid[])), unnest(CAST(:mcp_types AS text[])),
        unnest(CAST(:minutes AS integer[])), unnest(CAST(:names AS text[])), unnest(CAST(:host_ids AS text[])),
        unnest(CAST(:configs AS jsonb[])), unnest(CAST(:token_hashes AS text[])), unnest(CAST(:token_hints AS text[])),
        unnest(CAST(:ats AS timestamptz[])), unnest(CAST(:ip_addresses AS inet[])), unnest(CAST(:user_agents AS text[]))
    ) WITH ORDINALITY AS given (id, user_id, mcp_type, minutes, name, host_id, config, token_hash, token_hint,
                                at, ip_address, user_agent, place)
), owner AS MATERIALIZED (
    SELECT id, count_live_instances(id) AS live FROM (SELECT DISTINCT user_id AS id FROM wish ORDER BY 1) each_once
), bounds AS MATERIALIZED (
    SELECT (max(value #>> '{}') FILTER (WHERE key = 'mcp.max_instances_per_user'))::integer AS instances,
           (max(value #>> '{}') FILTER (WHERE key = 'mcp.default_duration_minutes'))::integer AS minutes
      FROM system_settings WHERE key IN ('mcp.max_instances_per_user', 'mcp.default_duration_minutes')
), counted AS (
    SELECT wish.*, kind.id AS type_id, kind.is_active,
           now() + make_interval(mins => least(coalesce(wish.minutes, bounds.minutes), kind.max_duration_minutes)) AS expires_at,
           bounds.instances AS most, owner.live,
           owner.live + count(*) FILTER (WHERE kind.is_active) OVER (PARTITION BY wish.user_id ORDER BY wish.place) AS rank
      FROM wish JOIN owner ON owner.id = wish.user_id AND owner.live IS NOT NULL
           JOIN mcp_types kind ON kind.name = wish.mcp_type CROSS JOIN bounds
), verdict AS MATERIALIZED (
    SELECT counted.*, rank > most AS is_over_limit,
           CASE WHEN NOT is_active THEN format('The type %s is not active.', mcp_type)
                WHEN rank > most
                THEN format('The user has %s live instances and may have %s.', greatest(live, most), most)
           END AS objection
      FROM counted
), granted AS MATERIALIZED (
    SELECT id, host_id, row_number() OVER (PARTITION BY host_id ORDER BY place) AS seat
      FROM verdict WHERE objection IS NULL
), free AS MATERIALIZED (
    SELECT next.host_id, next.port, row_number() OVER (PARTITION BY next.host_id ORDER BY next.released_at NULLS FIRST, next.port) AS seat
      FROM (SELECT host_id, count(*) AS seats FROM granted GROUP BY host_id) wanted
     CROSS JOIN LATERAL (
           SELECT host_id, port, released_at FROM port_allocations
            WHERE host_id = wanted.host_id AND is_available
            ORDER BY released_at NULLS FIRST, port LIMIT wanted.seats FOR UPDATE SKIP LOCKED) next
), lease AS (
    UPDATE port_allocations p SET is_available = false, mcp_instance_id = granted.id, allocated_at = now()
      FROM free JOIN granted USING (host_id, seat) WHERE p.host_id = free.host_id AND p.port = free.port
    RETURNING p.mcp_instance_id AS id, p.port
), born AS (
    INSERT INTO mcp_instances (id, user_id, mcp_type_id, name, host_id, access_token_hash, access_token_hint, access_url,
                               assigned_port, status, expires_at, config, error_message)
    SELECT id, user_id, type_id, name, host_id, token_hash, token_hint,
           'http://' || CASE host_id WHEN 'local' THEN 'localhost' ELSE host_id END || ':' || lease.port,
           lease.port, CASE WHEN lease.port IS NULL THEN 'error' ELSE 'pending' END, expires_at, config,
           CASE WHEN lease.port IS NULL THEN coalesce(objection, format('No port is free on the host %s.', host_id)) END
      FROM verdict LEFT JOIN lease USING (id) ORDER BY place
    RETURNING id, user_id, status, assigned_port, access_url, expires_at, error_message
), event AS (
    INSERT INTO mcp_events (mcp_instance_id, user_id, event_type, event_data, ip_address, user_agent)
    SELECT id, born.user_id, CASE born.status WHEN 'pending' THEN 'created' ELSE 'error' END,
           jsonb_strip_nulls(jsonb_build_object('occurred_at', wish.at, 'port', assigned_port, 'error', error_message)),
           wish.ip_address, wish.user_agent
      FROM born JOIN wish USING (id) ORDER BY wish.place
)
SELECT owner.live IS NOT NULL,
       born.id IS NOT NULL OR EXISTS (SELECT FROM mcp_types WHERE name = wish.mcp_type),
       born.assigned_port IS NOT NULL OR EXISTS (SELECT FROM port_allocations p WHERE p.host_id = wish.host_id),
       verdict.is_over_limit, verdict.objection IS NULL AND born.assigned_port IS NULL,
       -- What another transaction is about to lease it may also give back.
       verdict.objection IS NULL AND born.assigned_port IS NULL
       AND (SELECT count(*) FROM port_allocations p WHERE p.host_id = wish.host_id AND p.is_available)
           > (SELECT count(*) FROM free WHERE free.host_id = wish.host_id),
       born.status, born.assigned_port, born.access_url, born.expires_at, born.error_message
  FROM wish JOIN owner ON owner.id = wish.user_id
       LEFT JOIN verdict ON verdict.id = wish.id LEFT JOIN born ON born.id = wish.id
 ORDER BY wish.place

-- What has ended is checked no more; what lives again is checked anew, and what was found of its earlier life is over.
-- An instance that its own checks gave up is checked on until its time is over: it may come back.
WITH followed AS (
    SELECT t.id, t.next_check_at IS NOT NULL AS is_checked,
           CASE t.kind
               WHEN 'service' THEN (SELECT r.is_available FROM service_registry r WHERE r.service_type = t.service_type)
               WHEN 'server' THEN (SELECT s.status = 'active' AND s.deleted_at IS NULL AND coalesce(s.expires_at > now(), true)
                                          AND s.transport_type IN ('http', 'streamable_http')
                                     FROM gateway.mcp_servers s WHERE s.id = t.server_id)
               ELSE (SELECT i.deleted_at IS NULL
                            AND (i.status = 'running'
                                 OR (i.status = 'disconnected' AND t.kind = 'instance' AND t.breaker <> 'closed'
                                     AND i.expires_at > now()))
                       FROM mcp_instances i WHERE i.id = t.mcp_instance_id) END AS is_alive,
           (t.breaker <> 'closed' OR t.consecutive_failures > 0) AND EXISTS (
               SELECT FROM mcp_instances i WHERE i.id = t.mcp_instance_id AND i.status = 'running'
                  AND greatest(i.restored_at, i.process_started_at) > coalesce(t.opened_at, t.last_failed_at)) AS is_reborn
      FROM health_targets t
), changed AS (
    SELECT t.id, f.is_alive FROM followed f JOIN health_targets t USING (id)
     WHERE f.is_alive <> f.is_checked OR f.is_reborn FOR NO KEY UPDATE OF t SKIP LOCKED
)
UPDATE health_targets t
   SET next_check_at = CASE WHEN c.is_alive THEN now() + random() * make_interval(secs => t.interval_seconds) END,
       next_check_reason = 'new', claimed_by = NULL, claimed_at = NULL, breaker = 'closed', opened_at = NULL, tries = 0,
       consecutive_failures = 0, consecutive_successes = 0
  FROM changed c WHERE t.id = c.id

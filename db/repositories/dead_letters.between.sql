SELECT message_id, queue, wire_name, reason, error, payload, host, traceback, redacted, deliveries,
       id, created_at, replayed_at, discarded_at
  FROM dead_letters
 WHERE created_at >= CAST(:since AS timestamptz) AND created_at < CAST(:until AS timestamptz)
   AND (CAST(:after_id AS uuid) IS NULL OR (created_at, id) > (CAST(:since AS timestamptz), CAST(:after_id AS uuid)))
 ORDER BY created_at, id LIMIT CAST(:limit AS integer)

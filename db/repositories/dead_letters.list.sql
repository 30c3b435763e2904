SELECT message_id, queue, wire_name, reason, error, payload, host, traceback, redacted, deliveries,
       id, created_at, replayed_at, discarded_at
  FROM dead_letters
 WHERE replayed_at IS NULL AND discarded_at IS NULL
   AND (CAST(:reason AS text) IS NULL OR reason = CAST(:reason AS text))
   AND (CAST(:before_id AS uuid) IS NULL OR (created_at, id) < (CAST(:before_at AS timestamptz), CAST(:before_id AS uuid)))
 ORDER BY created_at DESC, id DESC LIMIT CAST(:limit AS integer)

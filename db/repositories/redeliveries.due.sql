WITH due AS MATERIALIZED (
    SELECT message_id FROM redeliveries
     WHERE due_at <= now() OR (due_at IS NULL AND wire_name = ANY (CAST(:wire_names AS text[])))
     ORDER BY due_at NULLS LAST LIMIT CAST(:limit AS integer) FOR UPDATE SKIP LOCKED
)
UPDATE redeliveries r SET due_at = now() + make_interval(secs => CAST(:lease_seconds AS double precision))
  FROM due WHERE r.message_id = due.message_id
RETURNING r.message_id, r.queue, r.wire_name, r.envelope, r.attempts,
          CASE r.state WHEN 'suspect' THEN r.deliveries ELSE 0 END

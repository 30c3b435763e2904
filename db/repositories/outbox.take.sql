-- Whoever takes a row holds it until its transaction ends, so that what dies with it in hand is free again at once.
-- What the inbox has, or what was given up with an id that the inbox has no place for, is settled.
-- LIMIT keeps each of the three looks one by index: joined, they would read whole tables.
WITH due AS MATERIALIZED (
    SELECT message_id, wire_name, payload, sent_at, due_at FROM outbox
     WHERE queue = CAST(:queue AS text) AND due_at <= now()
     ORDER BY due_at LIMIT CAST(:limit AS integer) FOR UPDATE SKIP LOCKED
), judged AS MATERIALIZED (
    SELECT d.*, CASE WHEN i.it OR l.it THEN 'settled'
                     WHEN r.it THEN 'put by'
                     WHEN d.sent_at IS NOT NULL THEN 'sent'
                     ELSE 'new' END AS state
      FROM due d
      LEFT JOIN LATERAL (SELECT true AS it FROM inbox WHERE message_id = d.message_id LIMIT 1) i ON true
      LEFT JOIN LATERAL (SELECT true AS it FROM dead_letters
                          WHERE message_id = CAST(d.message_id AS text) LIMIT 1) l ON true
      LEFT JOIN LATERAL (SELECT true AS it FROM redeliveries WHERE message_id = d.message_id LIMIT 1) r ON true
), forgotten AS (
    DELETE FROM outbox o USING judged j WHERE o.message_id = j.message_id AND j.state = 'settled'
)
SELECT message_id, wire_name, CAST(payload AS text), state FROM judged ORDER BY due_at, message_id

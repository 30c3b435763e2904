COMMENT ON COLUMN inbox.wire_name IS 'Which contract the message follows';
COMMENT ON COLUMN inbox.outcome IS 'applied, or dead when it became a dead letter';
COMMENT ON COLUMN inbox.created_at IS 'When it was applied or given up';

COMMENT ON COLUMN redeliveries.message_id IS 'The id that the message keeps through every delivery';
COMMENT ON COLUMN redeliveries.queue IS 'Where it goes back to';
COMMENT ON COLUMN redeliveries.wire_name IS 'Which contract the message follows';
COMMENT ON COLUMN redeliveries.error IS 'Why applying it last failed';

COMMENT ON COLUMN dead_letters.id IS 'What people call the letter; the message may have no readable id';
COMMENT ON COLUMN dead_letters.queue IS 'Where the message came from';
COMMENT ON COLUMN dead_letters.wire_name IS 'What the message said that it is';
COMMENT ON COLUMN dead_letters.reason IS 'Why it was given up, in one word that can be counted';
COMMENT ON COLUMN dead_letters.error IS 'Why it was given up, in a sentence';
COMMENT ON COLUMN dead_letters.traceback IS 'Where in the code it failed, without values';
COMMENT ON COLUMN dead_letters.deliveries IS 'How often it had been delivered';
COMMENT ON COLUMN dead_letters.created_at IS 'When it was given up, or given up again';
COMMENT ON COLUMN dead_letters.replayed_at IS 'When it was sent again; the letter is closed';
COMMENT ON COLUMN dead_letters.discarded_at IS 'When somebody decided against it; the letter is closed';

COMMENT ON COLUMN outbox.queue IS 'Where it goes';
COMMENT ON COLUMN outbox.wire_name IS 'Which contract the message follows';
COMMENT ON COLUMN outbox.payload IS 'Its fields; the envelope is made when it is sent';
COMMENT ON COLUMN outbox.attempts IS 'How often it was sent';
COMMENT ON COLUMN outbox.created_at IS 'When its sender''s transaction wrote it';

#!lua flags=allow-oom
-- Say that this worker is alive, by the clock of Redis, and which queues it works on.
-- KEYS: heartbeats, queues ever known   ARGV: worker id, queues …
local now = redis.call('TIME')
redis.call('ZADD', KEYS[1], now[1] * 1000 + math.floor(now[2] / 1000), ARGV[1])
redis.call('SADD', KEYS[2], unpack(ARGV, 2))

#!lua flags=allow-oom
-- Say that this worker is alive, by the clock of Redis.
-- KEYS: heartbeats   ARGV: worker id
local now = redis.call('TIME')
redis.call('ZADD', KEYS[1], now[1] * 1000 + math.floor(now[2] / 1000), ARGV[1])

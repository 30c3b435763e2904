#!lua flags=allow-oom
-- Put messages that this worker holds back into their queue, behind those that nobody had to give back.
-- KEYS: queue, messages, ack set   ARGV: ids …
for i = 1, #ARGV do
  if redis.call('SREM', KEYS[3], ARGV[i]) == 1 and redis.call('HEXISTS', KEYS[2], ARGV[i]) == 1 then
    redis.call('RPUSH', KEYS[1], ARGV[i])
  end
end

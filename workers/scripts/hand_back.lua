#!lua flags=allow-oom
-- Put messages that this worker holds back at the head of their queue; nothing was tried.
-- KEYS: queue, messages, ack set   ARGV: ids …
for i = #ARGV, 1, -1 do
  if redis.call('SREM', KEYS[3], ARGV[i]) == 1 and redis.call('HEXISTS', KEYS[2], ARGV[i]) == 1 then
    redis.call('LPUSH', KEYS[1], ARGV[i])
  end
end

#!lua flags=allow-oom
-- Give the messages of workers that have fallen silent back to their queues, counted as delivered.
-- KEYS: heartbeats, queues ever known   ARGV: namespace, milliseconds of silence that mean death
-- Returns the number of messages for each dead worker: id, count, …
local namespace = ARGV[1]
local now = redis.call('TIME')
local deadline = now[1] * 1000 + math.floor(now[2] / 1000) - tonumber(ARGV[2])
local report = {}

for _, worker in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', deadline)) do
  local moved = 0
  for _, queue in ipairs(redis.call('SMEMBERS', KEYS[2])) do
    local key = namespace .. ':' .. queue
    local acks = namespace .. ':__acks__.' .. worker .. '.' .. queue
    for _, id in ipairs(redis.call('SMEMBERS', acks)) do
      if redis.call('HEXISTS', key .. '.msgs', id) == 1 then
        redis.call('HINCRBY', key .. '.deliveries', id, 1)
        redis.call('LPUSH', key, id)
        moved = moved + 1
      end
    end
    redis.call('DEL', acks)
  end
  redis.call('ZREM', KEYS[1], worker)
  report[#report + 1] = worker
  report[#report + 1] = moved
end
return report

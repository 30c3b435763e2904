#!lua flags=allow-oom
-- Give the messages of workers that have fallen silent back to their queues, counted as delivered.
-- KEYS: heartbeats, queues ever known, time of the last look
-- ARGV: namespace, milliseconds of silence that mean death
-- Returns the number of messages for each dead worker: id, count, …
local namespace, silence = ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = tonumber(redis.call('GET', KEYS[3]) or '0')
redis.call('SET', KEYS[3], now)

if now - last > silence / 2 then
  -- Nobody has looked for a while, so perhaps nobody could be heard: the silence begins now.
  for _, worker in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    redis.call('ZADD', KEYS[1], 'GT', now, worker)
  end
  return {}
end

local report = {}
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - silence)) do
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

#!lua flags=allow-oom
-- Settle what was done and fetch what is next, in one round trip.
-- KEYS: queue, messages, ack set, deliveries, heartbeats   ARGV: worker id, room, most bytes, settled ids …
-- Returns id, envelope, earlier deliveries for each message fetched.
local queue, messages, acks, deliveries, heartbeats = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]

for i = 4, #ARGV do
  -- Only the owner removes a message: whoever was declared dead finds its ack set gone.
  if redis.call('SREM', acks, ARGV[i]) == 1 then
    redis.call('HDEL', messages, ARGV[i])
    redis.call('HDEL', deliveries, ARGV[i])
  end
end

local fetched, bytes, most = {}, 0, tonumber(ARGV[3])
for _ = 1, tonumber(ARGV[2]) do
  if bytes >= most then break end
  local id = redis.call('LPOP', queue)
  if not id then break end
  local envelope = redis.call('HGET', messages, id)
  if envelope then
    redis.call('SADD', acks, id)
    -- A compressed envelope says at its end how large its payload will be.
    bytes = bytes + math.max(#envelope, tonumber(string.match(string.sub(envelope, -400), '"payload_bytes": ?(%d+)')) or 0)
    fetched[#fetched + 1] = id
    fetched[#fetched + 1] = envelope
    fetched[#fetched + 1] = redis.call('HGET', deliveries, id) or '0'
  end
end

if #fetched > 0 then
  -- Without a heartbeat nobody would ever find this ack set again.
  local now = redis.call('TIME')
  redis.call('ZADD', heartbeats, 'NX', now[1] * 1000 + math.floor(now[2] / 1000), ARGV[1])
end
return fetched

-- Notes that a process lives, and gives the processes that noted it within ARGV[2] ms but not within ARGV[3] ms, each with its age. Where
-- another process noted the place ARGV[4] before, that one has ended: it is ARGV[5] ms old from now on.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if ARGV[4] ~= '' then
	local before = redis.call('HGET', KEYS[2], ARGV[4])
	if before and before ~= ARGV[1] then
		redis.call('ZADD', KEYS[1], 'XX', now - ARGV[5], before)
	end
	redis.call('HSET', KEYS[2], ARGV[4], ARGV[1])
	redis.call('PEXPIRE', KEYS[2], ARGV[2])
end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local late = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[3], 'WITHSCORES')
for i = 2, #late, 2 do
	late[i] = string.format('%.0f', now - late[i])
end
return late

-- Notes that a process lives, and gives the processes that noted it within ARGV[2] ms but not within ARGV[3] ms, each with its age.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local late = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[3], 'WITHSCORES')
for i = 2, #late, 2 do
	late[i] = string.format('%.0f', now - late[i])
end
return late

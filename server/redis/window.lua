-- Takes one of ARGV[2] uses in any stretch of ARGV[1] microseconds: 0, or the microseconds until there is one again. The value lists the
-- times of the uses, the oldest first.
local t = redis.call('TIME')
local now, length = t[1] * 1000000 + t[2], tonumber(ARGV[1])
local first = redis.call('LINDEX', KEYS[1], 0)
while first and now - first >= length do
	redis.call('LPOP', KEYS[1])
	first = redis.call('LINDEX', KEYS[1], 0)
end
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[2]) then
	return math.max(1, math.ceil(length - (now - first)))
end
redis.call('RPUSH', KEYS[1], string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(length / 1000))
return 0

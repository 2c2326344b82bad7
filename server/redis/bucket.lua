-- Takes one token of a bucket that gains one every ARGV[1] microseconds and holds ARGV[2]: 0, or the microseconds until there is one.
-- The value is the time at which the bucket is full again (the generic cell rate algorithm).
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local step, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + step
local wait = full - burst * step - now
if wait > 0 then
	return math.ceil(wait)
end
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
return 0

-- Notes the devices ARGV[2] (empty: none) of a user on process ARGV[1], has message ARGV[5] told on channel ARGV[4] where they have
-- changed, and gives what other processes noted in the last ARGV[3] ms. A value is the time in ms, a space, and the devices.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local before, others = '', {}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
	local at, devices = string.match(all[i + 1], '^(%d+) (.*)$')
	if all[i] == ARGV[1] then
		before = devices or ''
	elseif not at or tonumber(at) < now - ARGV[3] then
		redis.call('HDEL', KEYS[1], all[i])
	else
		others[#others + 1] = all[i]
		others[#others + 1] = devices
	end
end
if ARGV[2] == '' then
	redis.call('HDEL', KEYS[1], ARGV[1])
else
	redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f %s', now, ARGV[2]))
	redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
if before ~= ARGV[2] then
	redis.call('PUBLISH', ARGV[4], ARGV[5])
end
return others

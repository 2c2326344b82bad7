-- Notes that a user has ARGV[2] connections on process ARGV[1], unless that makes more than ARGV[3] with those of other processes: 1 if
-- it was noted. Processes that noted nothing in the last ARGV[4] ms, and those named from ARGV[5] on, do not count. A value is the time
-- in ms, a space, and the number.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local mute = {}
for i = 5, #ARGV do
	mute[ARGV[i]] = true
end
local sum = tonumber(ARGV[2])
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
	local at, n = string.match(all[i + 1], '^(%d+) (%d+)$')
	if all[i] ~= ARGV[1] then
		if not at or tonumber(at) < now - ARGV[4] then
			redis.call('HDEL', KEYS[1], all[i])
		elseif not mute[all[i]] then
			sum = sum + tonumber(n)
		end
	end
end
if ARGV[2] == '0' then
	redis.call('HDEL', KEYS[1], ARGV[1])
	return 1
end
if sum > tonumber(ARGV[3]) then
	return 0
end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f %s', now, ARGV[2]))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1

-- Notes that a user has at least ARGV[2] connections on process ARGV[1], unless that makes more than ARGV[3] with those of other
-- processes: 1 if it was noted. Processes that noted nothing in the last ARGV[4] ms, and those named from ARGV[5] on, do not count. A
-- negative ARGV[3] notes the very number, whatever it is. A value is the time in ms, a space, and the number.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local mute = {}
for i = 5, #ARGV do
	mute[ARGV[i]] = true
end
local mine, limit, others = tonumber(ARGV[2]), tonumber(ARGV[3]), 0
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
	local at, n = string.match(all[i + 1], '^(%d+) (%d+)$')
	if not at or tonumber(at) < now - ARGV[4] then
		redis.call('HDEL', KEYS[1], all[i])
	elseif all[i] == ARGV[1] then
		-- Requests overtake each other: a higher number counts those of lower ones.
		if limit >= 0 then mine = math.max(mine, tonumber(n)) end
	elseif not mute[all[i]] then
		others = others + tonumber(n)
	end
end
if mine == 0 then
	redis.call('HDEL', KEYS[1], ARGV[1])
	return 1
end
if limit >= 0 and mine + others > limit then
	return 0
end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f %d', now, mine))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1

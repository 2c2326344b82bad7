-- Takes one of ARGV[2] uses, that of the id ARGV[3], in any stretch of ARGV[1] microseconds: 0, or the microseconds until there is one again. A
-- use that is there already is free. The value lists the uses as time and id, the oldest first.
local t = redis.call('TIME')
local now, length = t[1] * 1000000 + t[2], tonumber(ARGV[1])
local function at(use) return tonumber(string.match(use, '^%d+')) end
local uses = redis.call('LRANGE', KEYS[1], 0, -1)
while uses[1] and now - at(uses[1]) >= length do
	redis.call('LPOP', KEYS[1])
	table.remove(uses, 1)
end
for _, use in ipairs(uses) do
	if string.match(use, ' (.*)$') == ARGV[3] then
		return 0
	end
end
if #uses >= tonumber(ARGV[2]) then
	return math.max(1, math.ceil(length - (now - at(uses[1]))))
end
redis.call('RPUSH', KEYS[1], string.format('%.0f %s', now, ARGV[3]))
redis.call('PEXPIRE', KEYS[1], math.ceil(length / 1000))
return 0

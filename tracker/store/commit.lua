-- Leases with rising tokens, and the one commit. Names carry the library's hash, so
-- that two releases run side by side; @HASH@ is put in by functions.py.

local ALLOWED = {
  HSET = true, HDEL = true, HINCRBY = true, XADD = true, RPUSH = true,
  PEXPIRE = true, PERSIST = true, ZADD = true, ZREM = true,
}

local function now_ms()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end

local function whole(n)
  return string.format('%.0f', n)
end

local function read_lease(leases, name)
  local value = redis.call('HGET', leases, name)
  if not value then
    return 0, 0, ''
  end
  local token, till, holder = string.match(value, '^(%d+)|(%d+)|(.*)$')
  return tonumber(token), tonumber(till), holder
end

local function write_lease(leases, name, token, till, holder)
  redis.call('HSET', leases, name, whole(token) .. '|' .. whole(till) .. '|' .. holder)
end

-- KEYS: leases. ARGV: holder, ttl_ms, 'take' or 'release', name...
-- Answers for each name: the token when held now, else minus the ms until it is free.
-- A new token is never lower than the time, so it rises even over a lost store.
local function lease(keys, args)
  local holder, ttl, mode, now = args[1], tonumber(args[2]), args[3], now_ms()
  local answers = {}
  for i = 4, #args do
    local token, till, owner = read_lease(keys[1], args[i])
    if mode == 'release' then
      if owner == holder then
        write_lease(keys[1], args[i], token, 0, '')
      end
      answers[#answers + 1] = '0'
    elseif owner == holder or till <= now then
      if owner ~= holder then
        token = math.max(token + 1, now)
      end
      write_lease(keys[1], args[i], token, now + ttl, holder)
      answers[#answers + 1] = whole(token)
    else
      answers[#answers + 1] = whole(now - till)
    end
  end
  return answers
end

local function checked(meta, leases, args)
  local epoch, holder, token, name = args[1], args[2], args[3], args[5]
  local expected, offset, batch = args[6], args[7], args[8]
  local known = redis.call('HMGET', meta, 'epoch', 'offset', 'batch')
  if known[1] ~= epoch then
    return 'epoch'
  end
  if known[2] == offset and known[3] == batch then
    return 'done'
  end
  local held, _, owner = read_lease(leases, name)
  if owner ~= holder or whole(held) ~= token then
    return 'lease'
  end
  if (known[2] or '0-0') ~= expected then
    return 'offset'
  end
  return nil
end

-- The first operation that is not allowed; nil when all are. What was written before
-- an error stays written, so all of them are looked at before the first one runs.
local function forbidden(keys, args)
  local i = 9
  while i <= #args do
    if not ALLOWED[args[i]] or not keys[tonumber(args[i + 1])] then
      return args[i]
    end
    i = i + 3 + tonumber(args[i + 2])
  end
  return nil
end

-- KEYS: meta, leases, then what the operations write to.
-- ARGV: epoch, holder, token, ttl_ms, lease name, expected offset, new offset, batch id,
--       then operations: command, index of its key, number of arguments, arguments...
-- Answers 'ok' and the id of the last XADD, or why nothing was written.
local function commit(keys, args)
  local problem = checked(keys[1], keys[2], args)
  if problem then
    return { problem, '' }
  end
  local refused = forbidden(keys, args)
  if refused then
    return redis.error_reply('ERR operation not allowed: ' .. refused)
  end
  local last, i = '', 9
  while i <= #args do
    local name, key, count = args[i], keys[tonumber(args[i + 1])], tonumber(args[i + 2])
    local answer = redis.call(name, key, unpack(args, i + 3, i + 2 + count))
    if name == 'XADD' then
      last = answer
    end
    i = i + 3 + count
  end
  redis.call('HSET', keys[1], 'offset', args[7], 'batch', args[8])
  write_lease(keys[2], args[5], tonumber(args[3]), now_ms() + tonumber(args[4]), args[2])
  return { 'ok', last }
end

-- KEYS: hash. ARGV: field, value as it must be now, value from now on; '' = no such field.
-- Answers 1 when it was so.
local function swap(keys, args)
  if (redis.call('HGET', keys[1], args[1]) or '') ~= args[2] then
    return { 0 }
  end
  if args[3] == '' then
    redis.call('HDEL', keys[1], args[1])
  else
    redis.call('HSET', keys[1], args[1], args[3])
  end
  return { 1 }
end

redis.register_function{
  function_name = 'tracker_swap_@HASH@', callback = swap, flags = { 'allow-oom' }
}
redis.register_function{
  function_name = 'tracker_lease_@HASH@', callback = lease, flags = { 'allow-oom' }
}
redis.register_function{
  function_name = 'tracker_commit_@HASH@', callback = commit, flags = { 'allow-oom' }
}

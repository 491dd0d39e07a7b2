-- Merges a delta of one shard and moves marks of the shard, all or nothing.
-- KEYS[1] marks of the shard   ARGV[1] delta (delta.ts)   ARGV[2..] field of a source, expected, to; and so on
-- VIEWS stands in front of this, made by merge-script.ts: of a packed view its merge and length, of the others
-- storage, capacity and, where they are in a log, the views of that log by their tags.
local expected, already = true, true
for m = 2, #ARGV, 3 do
  local stored = redis.call('HGET', KEYS[1], ARGV[m]) or '0'
  expected = expected and stored == ARGV[m + 1]
  already = already and stored == ARGV[m + 2]
end
if already then return 1 end -- MUTANT:watermark
if not expected then return 2 end -- MUTANT:watermark

local call, unpack, tonumber, format, log, min = redis.call, unpack, tonumber, string.format, math.log, math.min
local unpackBytes = struct.unpack
local T = cmsgpack.unpack(ARGV[1])
local A = {} -- arguments of one call, used again and again
local chunk = 2000 -- pairs in a call: Lua's unpack has a limit

-- T holds (key, bytes) from i on.
local function mergePacked(view, i, n)
  local merge, bytes = view.merge, view.bytes
  for from = i, i + 2 * n - 1, 2 * chunk do
    local last = min(from + 2 * chunk, i + 2 * n) - 1
    local m = 0
    for j = from, last, 2 do m = m + 1; A[m] = T[j] end
    local before = call('MGET', unpack(A, 1, m))
    m = 0
    for j = from + 1, last, 2 do
      m = m + 1
      local b = before[m]
      if b and #b == bytes then T[j] = merge(b, T[j]) end
    end
    call('MSET', unpack(T, from, last))
  end
end

-- T holds (score, member) from i on. A score is log2 of a weight in steps of 2^-28: whole numbers are
-- compared, kept and written faster than fractions.
local log2, steps = log(2), 2 ^ 28
local function mergeRanked(view, key, i, n)
  local added = 0
  for from = i, i + 2 * n - 1, 2 * chunk do
    local last = min(from + 2 * chunk, i + 2 * n) - 1
    local m = 0
    for j = from + 1, last, 2 do m = m + 1; A[m] = T[j] end
    local before = call('ZMSCORE', key, unpack(A, 1, m))
    m = 0
    for j = from, last, 2 do
      m = m + 1
      local s = before[m]
      if s then
        -- log2(2^w + 2^s), the larger one in front so that nothing overflows
        s = tonumber(s)
        local w = tonumber(T[j])
        if s > w then w, s = s, w end
        T[j] = format('%d', w + steps * (log(1 + 2 ^ ((s - w) / steps)) / log2) + 0.5)
      end
    end
    added = added + call('ZADD', key, unpack(T, from, last))
  end
  if added > 0 then call('ZREMRANGEBYRANK', key, 0, -(view.capacity + 1)) end
end

local function mergeRecent(view, key, i, n)
  local added = 0
  for from = i, i + 2 * n - 1, 2 * chunk do
    added = added + call('ZADD', key, 'GT', unpack(T, from, min(from + 2 * chunk, i + 2 * n) - 1))
  end
  if added > 0 then call('ZREMRANGEBYRANK', key, 0, -(view.capacity + 1)) end
end

-- A log that views share (key-log.ts): T holds (key, entries) from i on.
local short = 4096 -- bytes; a log that is no longer is never compacted
local header = '<dHH'
local headed = '<dHHc0'

-- What is left of one view: of its keys the best.
local function keep(view, tag, sums, members, parts)
  local n, least = #members, 0
  if n > view.capacity then
    local scores = {}
    for j = 1, n do scores[j] = sums[members[j]] end
    table.sort(scores)
    least = scores[n - view.capacity + 1]
  end
  local bytes = 0
  for j = 1, n do
    local k = members[j]
    if sums[k] >= least then
      parts[#parts + 1] = struct.pack(headed, sums[k], tag, #k, k)
      bytes = bytes + 12 + #k
    end
  end
  return bytes
end

-- Entries of one key become one; beyond capacity the lowest are dropped, and all of a view that is no more. An entry with
-- an empty key in front says at which length to do so again.
local function compact(views, key)
  local text, at, member, score, tag = call('GET', key), 1, nil, nil, nil
  local sums, members = {}, {}
  for known in pairs(views) do sums[known], members[known] = {}, {} end
  while at <= #text do
    score, tag, member, at = unpackBytes(headed, text, at)
    local known = sums[tag]
    if known and member ~= '' then
      local s = known[member]
      if s then
        local w = score
        if s > w then w, s = s, w end
        score = views[tag].ranked and w + steps * (log(1 + 2 ^ ((s - w) / steps)) / log2) or w
      else
        members[tag][#members[tag] + 1] = member
      end
      known[member] = score
    end
  end
  local parts, bytes = {''}, 12
  for known, view in pairs(views) do bytes = bytes + keep(view, known, sums[known], members[known], parts) end
  parts[1] = struct.pack(header, math.max(short, 2 * bytes), 0, 0)
  call('SET', key, table.concat(parts))
end

local function appendLogs(views, i, n)
  for j = i, i + 2 * n - 1, 2 do
    local length = call('APPEND', T[j], T[j + 1])
    if length > short then
      local due, _, first = unpackBytes(header, call('GETRANGE', T[j], 0, 11))
      if first ~= 0 or length > due then compact(views, T[j]) end -- MUTANT:compaction
    end
  end
end

-- An f64 time in front of the body; an empty body withdraws it, and wins a tie.
local function isLater(card, before)
  local time, t = unpackBytes('<d', card), unpackBytes('<d', before)
  if time ~= t then return time > t end
  local body, old = string.sub(card, 9), string.sub(before, 9)
  return old ~= '' and (body == '' or body > old)
end

local function mergeCards(i, n)
  for j = i, i + 2 * n - 1, 2 do
    local before = call('GET', T[j])
    if not before or isLater(T[j + 1], before) then call('SET', T[j], T[j + 1]) end
  end
end

local i, last = 1, #T
while i < last do
  local view, n = VIEWS[T[i] + 1], T[i + 1]
  i = i + 2
  if view.merge then mergePacked(view, i, n)
  elseif view.log then appendLogs(view.log, i, n)
  elseif view.storage == 'card' then mergeCards(i, n)
  else
    local merge = view.storage == 'ranked' and mergeRanked or mergeRecent
    merge(view, T[i], i + 1, n)
    i = i + 1
  end
  i = i + 2 * n
end
for m = 2, #ARGV, 3 do redis.call('HSET', KEYS[1], ARGV[m], ARGV[m + 2]) end
return 0

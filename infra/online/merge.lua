-- Merges one shard's delta and moves the shard's watermark, both or neither.
-- KEYS[1] watermark hash of the shard   ARGV[1] its field   ARGV[2] expected   ARGV[3] to   ARGV[4] delta
-- VIEWS (prepended by the adapter) describes each view: doubles, half-lives, fingerprint, capacity.
local stored = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0')
local to = tonumber(ARGV[3])
if stored == to then return 1 end -- MUTANT:watermark
if stored ~= tonumber(ARGV[2]) then return 2 end -- MUTANT:watermark

local function mergePacked(view, key, delta)
  local before = redis.call('GET', key)
  if not before or #before ~= #delta or struct.unpack('<I4', before) ~= view.fingerprint then
    redis.call('SET', key, delta)
    return
  end
  local a = {struct.unpack(view.format, before)}
  local b = {struct.unpack(view.format, delta)}
  -- a[1] is the fingerprint, a[2] the moment that all decayed sums are expressed at
  local time = a[2] > b[2] and a[2] or b[2]
  local lastHalfLife, fa, fb = nil, 1, 1
  local halfLives = view.halfLives
  for i = 1, view.doubles do
    local h = halfLives[i]
    if h > 0 then
      if h ~= lastHalfLife then
        lastHalfLife, fa, fb = h, 2 ^ ((a[2] - time) / h), 2 ^ ((b[2] - time) / h)
      end
      a[i + 2] = a[i + 2] * fa + b[i + 2] * fb
    elseif h == 0 then
      -- last write: the later time, at a tie the larger value
      if b[i + 2] > a[i + 2] or (b[i + 2] == a[i + 2] and b[i + 3] > a[i + 3]) then
        a[i + 2], a[i + 3] = b[i + 2], b[i + 3]
      end
    end
  end
  a[2] = time
  redis.call('SET', key, struct.pack(view.format, unpack(a, 1, view.doubles + 2)))
end

local chunk = 2000 -- values per call: Lua's unpack has a limit
local call, log, unpack, tonumber = redis.call, math.log, unpack, tonumber
local log2 = math.log(2)

local function mergeRanked(view, key, pairs_)
  local members, n = {}, 0
  for i = 1, #pairs_, 2 do n = n + 1; members[n] = pairs_[i + 1] end
  for from = 1, n, chunk do
    local last = from + chunk - 1
    if last > n then last = n end
    local before = call('ZMSCORE', key, unpack(members, from, last))
    for i = from, last do
      local s = before[i - from + 1]
      if s then
        -- log2(2^w + 2^s), the larger one in front so that nothing overflows
        s = tonumber(s)
        local w = pairs_[2 * i - 1]
        if s > w then w, s = s, w end
        pairs_[2 * i - 1] = w + log(1 + 2 ^ (s - w)) / log2
      end
    end
  end
  -- Redis writes Lua numbers with 17 significant digits: nothing is lost on the way.
  for from = 1, 2 * n, chunk do
    call('ZADD', key, unpack(pairs_, from, math.min(2 * n, from + chunk - 1)))
  end
  call('ZREMRANGEBYRANK', key, 0, -(view.capacity + 1))
end

-- Scores come as decimal text, so that the pairs go to the store as they are.
local function mergeRecent(view, key, pairs_)
  for from = 1, #pairs_, chunk do
    call('ZADD', key, 'GT', unpack(pairs_, from, math.min(#pairs_, from + chunk - 1)))
  end
  call('ZREMRANGEBYRANK', key, 0, -(view.capacity + 1))
end

-- A card is stored as an f64 time in front of its body; an empty body withdraws it.
local function mergeCard(key, time, body)
  local before = redis.call('GET', key)
  if before then
    local t, old = struct.unpack('<d', before), string.sub(before, 9)
    if t > time then return end
    if t == time and (old == '' or (body ~= '' and old >= body)) then return end
  end
  redis.call('SET', key, struct.pack('<d', time) .. body)
end

for _, o in ipairs(cmsgpack.unpack(ARGV[4])) do
  local view = VIEWS[o[2] + 1]
  if o[1] == 0 then mergePacked(view, o[3], o[4])
  elseif o[1] == 1 then mergeRanked(view, o[3], o[4])
  elseif o[1] == 2 then mergeRecent(view, o[3], o[4])
  else mergeCard(o[3], o[4], o[5]) end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 0

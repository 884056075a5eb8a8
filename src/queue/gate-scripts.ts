// The gate's Redis scripts. All arithmetic on shared state happens here, atomically and by Redis's own clock.
//
// The hash holds, times in ms:
// - until: nobody calls before; code and reason: why; epoch: raised with each such end, so that slots given before it are void
// - halted: 1 while only one probe at a time may call; probe: until when one is out
// - next: the next free slot; spacing: the learnt distance of calls; span, eased, eases: how long the pace was measured, when
//   and how often it was loosened since
// - begun, made, limited: when this burst of calls began, how many were made in it and how many of them were limited
// - unread: answers since the last good one that could not be read; unreadHolds: how often that has held the fleet
// - store_until, store_code, store_reason: until when nobody calls because the store cannot be written, and why
// - strikes: limits in a row; tentative: 1 when the next call goes ahead of the others; ramp: when the first calls began;
//   last: the newest slot given

/** Unknown territory is entered gently: calls are this far apart at first, and twice as close every RAMP_STEP. */
const RAMP_SPACING_MS = 20;
const RAMP_STEP_MS = 250;
/** After so long without a call (or five of the learnt distances) the next ones are a new burst. */
const IDLE_MS = 2_000;
/** A gate not used for so long forgets what it learnt. */
const FORGET_MS = 600_000;
/** The first wait after a limit that named no time, doubled for each in a row up to the cap. */
const LIMIT_BASE_MS = 1_000;
const LIMIT_CAP_MS = 60_000;
/** After such a guess one call goes ahead by so much: if it is refused, the others have not been sent in vain. */
const TENTATIVE_MS = 500;
/** The learnt pace is kept a little below what was seen, since calls start late and never early. */
const CAUTION = 1.05;
/** The pace is loosened after each span without a limit, first by this share and then by twice as much each time. */
const EASE_FIRST = 0.05;
const EASE_MOST = 0.5;
const EASE_SPAN_MIN_MS = 1_000;
const EASE_SPAN_MAX_MS = 60_000;
/** Below this the spacing no longer limits anything. */
const SPACING_MIN_MS = 1;
/** So many answers that cannot be read hold the fleet, and the wait doubles up to the cap: each probe may be paid. */
const UNREAD_LIMIT = 2;
const UNREAD_CAP_MS = 3_600_000;
/** So long those wait who are held by such answers before they look again: a person may have let one try. */
const UNREAD_LOOK_MS = 15_000;
/** How often those who wait for a probe look again. */
const PROBE_LOOK_MS = 2_000;

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function get(field) return tonumber(redis.call('HGET', KEYS[1], field) or 0) end
local function text(field) return redis.call('HGET', KEYS[1], field) or '' end
local function set(...) redis.call('HSET', KEYS[1], ...) end
local function keep()
  redis.call('PEXPIRE', KEYS[1], ${FORGET_MS} + math.max(0, math.ceil(math.max(get('until'), get('next')) - now)))
end`;

/**
 * ARGV: configured spacing, longest wait in hand, longest probe (all ms). Returns {admitted, wait ms, reason, epoch, slot}:
 * a caller that is admitted has taken its slot, waits for it, and (where it had to wait) confirms it.
 */
export const ACQUIRE_SCRIPT = `${NOW}
local until_ms = get('until')
if now < until_ms then
  local wait = math.ceil(until_ms - now)
  if get('unreadHolds') > 0 then wait = math.min(wait, ${UNREAD_LOOK_MS}) end
  return {0, wait, text('reason'), ''}
end
local store_until = get('store_until')
if now < store_until then return {0, math.ceil(store_until - now), text('store_reason'), '', 'store'} end
if get('halted') == 1 then
  if now < get('probe') then return {0, ${PROBE_LOOK_MS}, text('reason'), ''} end
  set('probe', now + ARGV[3])
  keep()
  return {1, 0, '', text('epoch')}
end
local learnt = get('spacing')
if now - get('last') > math.max(${IDLE_MS}, learnt * 5) then set('ramp', now, 'begun', now, 'made', 0, 'limited', 0) end
local ramp = ${RAMP_SPACING_MS} / 2 ^ math.floor((now - get('ramp')) / ${RAMP_STEP_MS})
if ramp < ${SPACING_MIN_MS} then ramp = 0 end
local spacing = math.max(tonumber(ARGV[1]), learnt, ramp)
local slot = math.max(now, get('next'))
if slot - now > tonumber(ARGV[2]) then
  return {0, math.ceil(slot - now), 'calls are ' .. math.ceil(spacing) .. ' ms apart', ''}
end
if get('tentative') == 1 then
  spacing = math.max(spacing, ${TENTATIVE_MS})
  redis.call('HDEL', KEYS[1], 'tentative')
end
set('next', slot + spacing, 'last', slot)
local wait = math.ceil(slot - now)
if wait == 0 then redis.call('HINCRBY', KEYS[1], 'made', 1) end
keep()
return {1, wait, '', text('epoch'), math.floor(slot)}`;

/**
 * ARGV: epoch, slot, most lateness (ms; -1: any). Returns 1 when the slot that was given in this epoch may be used still:
 * one whose caller was held up by something else would push its call into those of others.
 */
export const CONFIRM_SCRIPT = `${NOW}
if text('epoch') ~= ARGV[1] then return 0 end
local most = tonumber(ARGV[3])
if most >= 0 and now - tonumber(ARGV[2]) > most then return 0 end
redis.call('HINCRBY', KEYS[1], 'made', 1)
return 1`;

/** ARGV: ms, code, reason. The store cannot be written: nobody calls for so long, unless it is released before. */
export const HOLD_STORE_SCRIPT = `${NOW}
set('store_until', now + ARGV[1], 'store_code', ARGV[2], 'store_reason', ARGV[3])
keep()
return 1`;

/** Leave that was not used: a halted gate may give its probe to another one. */
export const RELEASE_SCRIPT = `${NOW}
if get('halted') == 1 then set('probe', 0) end
if get('made') > 0 then redis.call('HINCRBY', KEYS[1], 'made', -1) end
return 1`;

/**
 * ARGV: event, ms (-1: unknown), code, reason. Returns how long everybody stays away now, in ms.
 *
 * | event | is | does |
 * |---|---|---|
 * | ok | images came | ends a halt, loosens the pace |
 * | other | the API said no to this one request | ends a halt |
 * | unread | an answer that cannot be read | the second since a good one: everybody waits, then one probes |
 * | none | nothing is known of the API | gives the probe to another one |
 * | limited | too fast | everybody waits, and the pace is learnt |
 * | halted | a key, a balance, no connection | everybody waits, then one probes |
 *
 * After a limit the pace is what was let through in the whole window: from the begin of the burst to the time at which
 * the other side lets us in again. Calls that were on their way by then and are limited too were not let through.
 */
export const RECORD_OUTCOME_SCRIPT = `${NOW}
local event, ms = ARGV[1], tonumber(ARGV[2])
local until_ms = get('until')
local function learn(span, passed)
  if span > 0 and passed > 0 then set('spacing', span / passed * ${CAUTION}) end
end
local function closed()
  redis.call('HINCRBY', KEYS[1], 'epoch', 1)
  set('until', until_ms, 'next', until_ms, 'code', ARGV[3], 'reason', ARGV[4])
end
if event == 'halted' then
  until_ms = now + ms
  set('halted', 1, 'probe', 0)
  closed()
elseif event == 'unread' then
  local held = get('unreadHolds')
  -- what was on its way when the others were held says nothing new
  local isLate = now < until_ms and held > 0
  if not isLate and redis.call('HINCRBY', KEYS[1], 'unread', 1) >= ${UNREAD_LIMIT} then
    until_ms = now + math.min(${UNREAD_CAP_MS}, ms * 2 ^ held)
    set('halted', 1, 'probe', 0, 'unreadHolds', held + 1)
    closed()
  elseif get('halted') == 1 and not isLate then
    set('probe', 0)
  end
elseif event == 'limited' then
  redis.call('HDEL', KEYS[1], 'halted', 'probe')
  if now >= until_ms then
    local strikes = redis.call('HINCRBY', KEYS[1], 'strikes', 1)
    if ms < 0 then
      ms = math.min(${LIMIT_CAP_MS}, ${LIMIT_BASE_MS} * 2 ^ (strikes - 1))
      set('tentative', 1)
    end
    until_ms = now + ms
    local begun, passed = get('begun'), get('made') - get('limited') - 1
    local span = begun > 0 and until_ms - begun or 0
    learn(span, passed)
    set('span', span, 'passed', passed, 'eased', until_ms, 'eases', 0)
    set('begun', until_ms, 'last', until_ms, 'made', 0, 'limited', 0)
    closed()
  else
    local passed = redis.call('HINCRBY', KEYS[1], 'passed', -1)
    if ms > 0 and now + ms > until_ms then
      set('span', get('span') + now + ms - until_ms, 'begun', now + ms, 'eased', now + ms, 'last', now + ms)
      until_ms = now + ms
      closed()
    end
    learn(get('span'), passed)
  end
elseif event == 'none' then
  if get('halted') == 1 then set('probe', 0) end
else
  if get('halted') == 1 then
    redis.call('HDEL', KEYS[1], 'halted', 'probe', 'code', 'reason')
    -- it was put where the halt would end, which may be long after somebody let the probe go
    set('next', math.min(get('next'), now))
    if until_ms > now then until_ms = 0 set('until', 0) end
  end
  if event == 'ok' then
    redis.call('HDEL', KEYS[1], 'strikes', 'unread', 'unreadHolds')
    local span = math.min(math.max(get('span'), ${EASE_SPAN_MIN_MS}), ${EASE_SPAN_MAX_MS})
    local spacing = get('spacing')
    if spacing > 0 and now - get('eased') >= span then
      local eases = redis.call('HINCRBY', KEYS[1], 'eases', 1)
      spacing = spacing * (1 - math.min(${EASE_MOST}, ${EASE_FIRST} * 2 ^ (eases - 1)))
      set('spacing', spacing, 'eased', now)
      if spacing < ${SPACING_MIN_MS} then redis.call('HDEL', KEYS[1], 'spacing') end
    end
  end
end
keep()
return math.max(0, math.ceil(until_ms - now))`;

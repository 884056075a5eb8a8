// The gate's two Redis scripts. All arithmetic on shared state happens here, atomically and by Redis's own clock.
//
// The hash holds: until (ms: nobody calls before), halted (1: only one probe at a time), probe (ms: a probe is out until),
// code and reason, spacing (ms between calls, learnt), next (ms: the next free slot), begun/admitted/limited (what
// happened in the present window), strikes (limits in a row), ramp (ms: when the first calls began).

/** Unknown territory is entered gently: calls are this far apart at first, and twice as close every RAMP_STEP. */
const RAMP_SPACING_MS = 20;
const RAMP_STEP_MS = 250;
/** A gate not used for so long forgets what it learnt. */
const FORGET_MS = 600_000;
/** The first wait after a limit that named no time, doubled for each in a row up to the cap. */
const LIMIT_BASE_MS = 1_000;
const LIMIT_CAP_MS = 60_000;
/** Every success brings the next calls closer by this factor, so that a limit which was lifted is soon forgotten. */
const SPEED_UP = 0.99;
/** Below this the spacing no longer limits anything. */
const SPACING_MIN_MS = 1;
/** How often those who wait for a probe look again. */
const PROBE_LOOK_MS = 2_000;

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function get(field) return tonumber(redis.call('HGET', KEYS[1], field) or 0) end
local function text(field) return redis.call('HGET', KEYS[1], field) or '' end`;

/**
 * ARGV: configured spacing, longest wait in hand, longest probe (all ms). Returns {admitted, wait ms, reason}: a caller
 * that is admitted has taken its slot and waits for it.
 */
export const ADMIT_SCRIPT = `${NOW}
redis.call('PEXPIRE', KEYS[1], ${FORGET_MS})
local until_ms = get('until')
if now < until_ms then return {0, until_ms - now, text('reason')} end
if get('halted') == 1 then
  if now < get('probe') then return {0, ${PROBE_LOOK_MS}, text('reason')} end
  redis.call('HSET', KEYS[1], 'probe', now + ARGV[3])
  return {1, 0, ''}
end
if redis.call('HSETNX', KEYS[1], 'ramp', now) == 1 then redis.call('HSET', KEYS[1], 'begun', now) end
local ramp = ${RAMP_SPACING_MS} / 2 ^ math.floor((now - get('ramp')) / ${RAMP_STEP_MS})
if ramp < ${SPACING_MIN_MS} then ramp = 0 end
local spacing = math.max(tonumber(ARGV[1]), get('spacing'), ramp)
local slot = math.max(now, get('next'))
if slot - now > tonumber(ARGV[2]) then return {0, math.ceil(slot - now), 'calls are ' .. math.ceil(spacing) .. ' ms apart'} end
redis.call('HSET', KEYS[1], 'next', slot + spacing)
redis.call('HINCRBY', KEYS[1], 'admitted', 1)
redis.call('PEXPIRE', KEYS[1], ${FORGET_MS})
return {1, math.floor(slot - now), ''}`;

/**
 * ARGV: event, ms (-1: unknown), code, reason. Returns how long everybody stays away now, in ms.
 *
 * After a limit the pace is what was let through in the whole window: from its begin to the time at which the other side
 * lets us in again. Calls that were on their way when the first of them was limited belong to the same window.
 */
export const REPORT_SCRIPT = `${NOW}
local event, ms = ARGV[1], tonumber(ARGV[2])
local until_ms = get('until')
if event == 'halted' then
  until_ms = now + ms
  redis.call('HSET', KEYS[1], 'halted', 1, 'probe', 0, 'until', until_ms, 'code', ARGV[3], 'reason', ARGV[4])
elseif event == 'limited' then
  redis.call('HINCRBY', KEYS[1], 'limited', 1)
  if now >= until_ms then
    local strikes = redis.call('HINCRBY', KEYS[1], 'strikes', 1)
    if ms < 0 then ms = math.min(${LIMIT_CAP_MS}, ${LIMIT_BASE_MS} * 2 ^ (strikes - 1)) end
    until_ms = now + ms
    local passed = get('admitted') - get('limited')
    local begun = get('begun')
    if begun > 0 and passed > 0 then redis.call('HSET', KEYS[1], 'spacing', (until_ms - begun) / passed) end
    redis.call('HSET', KEYS[1], 'until', until_ms, 'begun', until_ms, 'admitted', 0, 'limited', 0, 'next', until_ms, 'code', ARGV[3], 'reason', ARGV[4])
  elseif ms > 0 and now + ms > until_ms then
    until_ms = now + ms
    redis.call('HSET', KEYS[1], 'until', until_ms, 'begun', until_ms, 'next', until_ms)
  end
  redis.call('HDEL', KEYS[1], 'halted', 'probe')
else
  if get('halted') == 1 then
    redis.call('HDEL', KEYS[1], 'halted', 'probe', 'code', 'reason')
    if until_ms > now then until_ms = 0 redis.call('HSET', KEYS[1], 'until', 0) end
  end
  if event == 'ok' then
    redis.call('HDEL', KEYS[1], 'strikes')
    local spacing = get('spacing') * ${SPEED_UP}
    if spacing >= ${SPACING_MIN_MS} then redis.call('HSET', KEYS[1], 'spacing', spacing) else redis.call('HDEL', KEYS[1], 'spacing') end
  end
end
redis.call('PEXPIRE', KEYS[1], math.max(${FORGET_MS}, (until_ms - now) * 2))
return math.max(0, math.ceil(until_ms - now))`;

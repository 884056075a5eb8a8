// Daily windows on a wall clock: when one opens and closes, also on the days on which a clock is put forward or back. Pure.

/** A span of each day, as read from "01:00-06:00". One that ends before it begins goes over midnight. */
export interface DailyWindow {
  /** Minutes after midnight, 0 to 1439. */
  fromMinute: number;
  toMinute: number;
  tz: string;
}

/** One occurrence of a window. Times: ms since 1970; `closes_at` is the first instant outside. */
export interface Occurrence {
  opens_at: number;
  closes_at: number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** The window of "22:00-06:00" in a time zone; undefined for anything else. A window of no length is none. */
export function parseWindow(text: string, tz: string): DailyWindow | undefined {
  const [, fromHour, fromMinute, toHour, toMinute] =
    /^\s*(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})\s*$/.exec(text) ?? [];
  const from = toMinutes(fromHour, fromMinute);
  const to = toMinutes(toHour, toMinute);
  if (from === undefined || to === undefined || from === to || from === 1440 || !isTimeZone(tz)) return undefined;
  return { fromMinute: from, toMinute: to === 1440 ? 0 : to, tz };
}

function toMinutes(hour = "", minute = ""): number | undefined {
  const minutes = Number(hour) * 60 + Number(minute);
  const fits = hour !== "" && Number(minute) < 60 && minutes <= 1440;
  return fits ? minutes : undefined;
}

/** Whether this machine knows the time zone. */
export function isTimeZone(tz: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: tz });
    return true;
  } catch {
    return false;
  }
}

/** The time zone of this machine. */
export function localTimeZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** The occurrence that is open at `now`, or the next one. */
export function occurrenceAt(window: DailyWindow, now: number): Occurrence {
  // yesterday's may still be open when it goes over midnight
  const today = toWallClock(now, window.tz);
  const midnight = today - mod(today, DAY_MS);
  for (let day = -1; ; day++) {
    const occurrence = occurrenceOn(window, midnight + day * DAY_MS);
    // a window that lies wholly inside the hour that is skipped in spring has no length on that day
    if (occurrence.closes_at > now && occurrence.closes_at > occurrence.opens_at) return occurrence;
  }
}

function occurrenceOn({ fromMinute, toMinute, tz }: DailyWindow, midnight: number): Occurrence {
  const overMidnight = toMinute <= fromMinute ? DAY_MS : 0;
  return {
    opens_at: firstInstantAt(midnight + fromMinute * MINUTE_MS, tz),
    closes_at: firstInstantAt(midnight + overMidnight + toMinute * MINUTE_MS, tz),
  };
}

/**
 * The first instant at which the clock on the wall shows this time or a later one. `wall` is that time, written as if it
 * were UTC. A time that is skipped in spring comes when the clock is put forward; of one that comes twice in autumn it is
 * the first: so a window opens as soon and closes as soon as its clock says so.
 */
export function firstInstantAt(wall: number, tz: string): number {
  const candidates = [wall - offsetAt(wall - DAY_MS, tz), wall - offsetAt(wall + DAY_MS, tz)];
  const [first, last] = [Math.min(...candidates), Math.max(...candidates)];
  if (toWallClock(first, tz) === wall) return first;
  if (toWallClock(last, tz) === wall) return last;
  return changeBetween(first, last, tz);
}

/** The instant between two at which the offset changes. */
function changeBetween(first: number, last: number, tz: string): number {
  const before = offsetAt(first, tz);
  let [low, high] = [first, last];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle, tz) === before) low = middle;
    else high = middle;
  }
  return high;
}

function offsetAt(instant: number, tz: string): number {
  return toWallClock(instant, tz) - instant;
}

const FORMATS = new Map<string, Intl.DateTimeFormat>();

/** What the clock on the wall shows, written as if it were UTC. */
export function toWallClock(instant: number, tz: string): number {
  let format = FORMATS.get(tz);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: tz,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    FORMATS.set(tz, format);
  }
  const parts = Object.fromEntries(format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) + mod(instant, 1000);
}

function mod(value: number, by: number): number {
  return ((value % by) + by) % by;
}

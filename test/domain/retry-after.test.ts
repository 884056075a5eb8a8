import fc from "fast-check";
import { expect, test } from "vitest";
import { parseRetryAfter, RETRY_AFTER_MAX_MS } from "../../src/domain/retry-after.ts";

const NOW = Date.parse("2026-10-21T07:28:00Z");

test.each<[string, Record<string, string | string[]>, number | null]>([
  ["nothing", {}, null],
  ["empty", { "retry-after": "" }, null],
  ["seconds", { "retry-after": "120" }, 120_000],
  ["seconds with spaces", { "retry-after": " 7 " }, 7000],
  ["a fraction of a second", { "retry-after": "1.5" }, 1500],
  ["zero", { "retry-after": "0" }, 0],
  ["negative seconds", { "retry-after": "-5" }, 0],
  ["seconds beyond reason", { "retry-after": "99999999999" }, RETRY_AFTER_MAX_MS],
  ["more digits than a number holds", { "retry-after": "9".repeat(400) }, RETRY_AFTER_MAX_MS],
  ["a date", { "retry-after": "Wed, 21 Oct 2026 07:30:00 GMT" }, 120_000],
  ["a date in the past", { "retry-after": "Wed, 21 Oct 2020 07:30:00 GMT" }, 0],
  ["a date next year", { "retry-after": "Thu, 21 Oct 2027 07:30:00 GMT" }, RETRY_AFTER_MAX_MS],
  ["an asctime date", { "retry-after": "Wed Oct 21 07:29:00 2026" }, 60_000],
  ["an RFC 850 date", { "retry-after": "Wednesday, 21-Oct-26 07:29:00 GMT" }, 60_000],
  ["words with a digit", { "retry-after": "see you at 3" }, null],
  ["a bare year is seconds", { "retry-after": "2026" }, 2_026_000],
  ["milliseconds", { "retry-after-ms": "1500" }, 1500],
  ["milliseconds beside seconds", { "retry-after-ms": "250", "retry-after": "9" }, 250],
  ["broken milliseconds beside seconds", { "retry-after-ms": "soon", "retry-after": "9" }, 9000],
  ["the header twice", { "retry-after": ["3", "4"] }, 3000],
])("Retry-After with %s", (_, headers, wanted) => {
  expect(parseRetryAfter(headers, NOW)).toBe(wanted);
});

test("any header gives null or a whole number within the hour", () => {
  const header = fc.oneof(fc.string(), fc.double().map(String), fc.date().map(String));
  fc.assert(
    fc.property(header, header, (seconds, ms) => {
      const wait = parseRetryAfter({ "retry-after": seconds, "retry-after-ms": ms }, NOW);
      return wait === null || (Number.isInteger(wait) && wait >= 0 && wait <= RETRY_AFTER_MAX_MS);
    }),
  );
});

test("a date in the next hour is the time until then", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3600 }), (seconds) => {
      const date = new Date(NOW + seconds * 1000).toUTCString();
      expect(parseRetryAfter({ "retry-after": date }, NOW)).toBe(seconds * 1000);
    }),
  );
});

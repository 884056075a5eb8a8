// Text from outside is read in linear time: a megabyte takes milliseconds, and would take minutes in quadratic time.
import { expect, test } from "vitest";
import { nameOnly } from "../../src/batches/manifest/file-kind.ts";
import { detectFormat } from "../../src/batches/manifest/format.ts";
import { isExactNumber } from "../../src/domain/request/exact-number.ts";
import { withoutTrailing } from "../../src/domain/trim-end.ts";
import { parseRate } from "../../src/domain/units.ts";
import { normalizeHost } from "../../src/outbound/host-pattern.ts";
import { parseStorageUrl } from "../../src/storage/storage-url.ts";

const MANY = 1_000_000;
const run = (character: string) => character.repeat(MANY);
const detect = (name: string, mediaType?: string) => detectFormat({ name, mediaType, head: "a\nb" });

test.each<[what: string, work: () => unknown, result: unknown]>([
  ["trailing characters", () => withoutTrailing(`${run("/")}x${run("/")}`, "/").length, MANY + 1],
  ["a host of dots", () => normalizeHost(`${run(".")}A`).length, MANY + 1],
  ["a rate of spaces", () => parseRate(`1/${run(" ")}x`), undefined],
  ["a number of zeros", () => isExactNumber(`${run("0")} `), true],
  ["the name of a manifest", () => nameOnly(`a.csv${run("?")}\n`), "a.csv"],
  ["the query of a manifest's address", () => detect(`a.csv${run("?")}\n`), "csv"],
  ["a media type", () => detect("-", `text/csv${run(";")}\n`), "csv"],
])("%s", (_, work, result) => {
  const begun = performance.now();
  expect(work()).toEqual(result);
  expect(performance.now() - begun).toBeLessThan(1_000);
});

test("a prefix of slashes is refused as it was", () => {
  const begun = performance.now();
  expect(() => parseStorageUrl(`s3://bucket/a${run("/")}b`)).toThrow();
  expect(performance.now() - begun).toBeLessThan(1_000);
  expect(parseStorageUrl("s3://bucket///a/b//")).toMatchObject({ prefix: "a/b" });
});

test("what is read is the same as before", () => {
  expect(parseRate("10/s")).toEqual({ max: 10, durationMs: 1_000 });
  expect(parseRate("5 / 10 s")).toEqual({ max: 5, durationMs: 10_000 });
  expect(parseRate("5/10")).toBeUndefined();
  expect(isExactNumber("1234567890.12345678901")).toBe(false);
  expect(isExactNumber("0.10000000000000001")).toBe(true);
  expect(isExactNumber(".50000000000000000")).toBe(true);
  expect(normalizeHost("Example.COM..")).toBe("example.com");
});

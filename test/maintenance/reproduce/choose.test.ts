import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { REQUEST_ID_PATTERN } from "../../../src/domain/request/request-id.ts";
import { reproductionId } from "../../../src/maintenance/reproduce/ask.ts";
import { toMaxImages } from "../../../src/maintenance/reproduce/budget.ts";
import { chooseSample, spreadOrder } from "../../../src/maintenance/reproduce/choose.ts";

const candidate = (span: number, n: number, created_at = span) => {
  return { request_id: `${span}-${n}-${created_at}`, span, n, created_at };
};

describe("a sample", () => {
  test("takes one of each span before it takes a second one of any", () => {
    const crowd = Array.from({ length: 50 }, (_, at) => candidate(2, 1, 200 + at));
    const chosen = chooseSample([candidate(0, 1), ...crowd, candidate(4, 1, 900)], {
      count: 5,
      spans: 5,
      maxImages: 99,
    });
    expect(chosen.map(({ span }) => span)).toEqual([0, 2, 2, 2, 4]);
  });

  test("within a small budget still sees both ends and the middle", () => {
    const all = Array.from({ length: 20 }, (_, span) => candidate(span, 1));
    const chosen = chooseSample(all, { count: 20, spans: 20, maxImages: 5 });
    expect(chosen.map(({ span }) => span)).toEqual([0, 4, 9, 14, 19]);
  });

  test("leaves out what would cost too much, and takes what still fits", () => {
    const chosen = chooseSample([candidate(0, 4), candidate(1, 4), candidate(2, 1)], {
      count: 3,
      spans: 3,
      maxImages: 5,
    });
    expect(chosen.map(({ n }) => n)).toEqual([4, 1]);
  });

  test("never costs more than it may, nor holds more than were asked for, and wastes nothing that fits", () => {
    const some = fc.array(fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 4 })), { maxLength: 40 });
    fc.assert(
      fc.property(some, fc.integer({ min: 1, max: 20 }), fc.nat(40), (pairs, count, maxImages) => {
        const all = pairs.map(([span, n], at) => candidate(span, n, at));
        const chosen = chooseSample(all, { count, spans: 10, maxImages });
        const images = chosen.reduce((sum, { n }) => sum + n, 0);
        expect(images).toBeLessThanOrEqual(maxImages);
        expect(chosen.length).toBeLessThanOrEqual(count);
        const left = all.filter((one) => !chosen.includes(one));
        if (chosen.length < count) expect(left.every(({ n }) => images + n > maxImages)).toBe(true);
      }),
    );
  });

  test.each([1, 2, 3, 7, 20])("of %i spans takes turns over all of them, each once", (count) => {
    expect(spreadOrder(count).toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, at) => at));
  });
});

describe("a budget", () => {
  const price = { micros: 20_000, currency: "USD" };
  test.each([
    ["40", 40],
    ["0.50 USD", 25],
    ["0.019 USD", 0],
  ])("of %s buys %i images", (text, images) => expect(toMaxImages(text, { flag: "--budget", price })).toBe(images));

  test.each([
    ["much", price, "wanted a number of images, or a price"],
    ["-1", price, "wanted a number of images, or a price"],
    ["1 EUR", price, "wanted USD"],
    ["1 USD", undefined, "wanted PRICE_PER_IMAGE to be set"],
  ])("of %s is refused by its flag", (text, known, message) => {
    expect(() => toMaxImages(text, { flag: "--remake", price: known })).toThrow(`--remake: ${message}`);
  });
});

describe("the id of a reproduction", () => {
  const now = Date.UTC(2026, 10, 26, 4, 21, 10, 123);

  test("is the original's with the time behind it", () => {
    expect(reproductionId("fox-1", now)).toBe("fox-1.r20261126T042110.123Z");
  });

  test("fits, and tells originals apart, however long theirs are", () => {
    const long = "x".repeat(99);
    const [one, two] = [reproductionId(`${long}1`, now), reproductionId(`${long}2`, now)];
    expect(one).toMatch(REQUEST_ID_PATTERN);
    expect(two).toMatch(REQUEST_ID_PATTERN);
    expect(one).not.toBe(two);
    expect(reproductionId("x".repeat(78), now)).toHaveLength(100);
  });
});

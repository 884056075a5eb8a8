import { expect, test } from "vitest";
import { archivedText, toArchivedItems } from "../../../src/output/report/batch-archived.ts";

test.each([
  ["a first night", { items: 200, duplicates: 0, existing: 0 }, 200, 0, "200 of 200"],
  ["a perfect second night", { items: 200, duplicates: 0, existing: 200 }, 0, 200, "200 of 200 (200 from before)"],
  ["a few new ones", { items: 1200, duplicates: 0, existing: 1000 }, 199, 1000, "1,199 of 1,200 (1,000 from before)"],
  ["one request twice", { items: 7, duplicates: 1, existing: 0 }, 6, 0, "6 of 6"],
  ["archived elsewhere meanwhile", { items: 3, duplicates: 0, existing: 1 }, 0, 3, "3 of 3 (3 from before)"],
  ["known by number only", { items: 3, duplicates: 0, existing: 2 }, 1, 0, "3 of 3 (2 from before)"],
])("%s", (_, batch, archived, before, text) => {
  expect(archivedText(toArchivedItems({ batch, archived, before }))).toBe(text);
});

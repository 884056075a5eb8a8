import { expect, test } from "vitest";
import { findForeignOrigin } from "../../src/domain/browser-origin.ts";

const HOST = "127.0.0.1:8080";
const OWN = `http://${HOST}`;
const PUBLIC_URL = "https://pictures.example/archive/";

type Row = [origin: string | undefined, site: string | undefined, isForeign: boolean];

const ROWS: Row[] = [
  [undefined, undefined, false],
  [undefined, "none", false],
  [undefined, "same-origin", false],
  [undefined, "same-site", true],
  [undefined, "cross-site", true],
  [undefined, "", true],
  [undefined, "same-origin, cross-site", true],
  [OWN, undefined, false],
  [OWN, "same-origin", false],
  [OWN, "none", false],
  [OWN, "same-site", true],
  [OWN, "cross-site", true],
  ["https://pictures.example", undefined, false],
  ["https://pictures.example", "same-origin", false],
  ["https://pictures.example", "cross-site", true],
  ["https://127.0.0.1:8080", "same-origin", false],
  ["https://127.0.0.1:8080", undefined, true],
  ["null", undefined, true],
  ["null", "same-origin", true],
  ["", undefined, true],
  ["http://127.0.0.1", undefined, true],
  ["http://127.0.0.1:8081", undefined, true],
  ["http://127.0.0.1:8080.evil.example", undefined, true],
  ["http://evil.example", undefined, true],
  ["http://evil.example", "same-origin", true],
  ["http://evil.example@127.0.0.1:8080", undefined, true],
  [`${OWN}, http://evil.example`, undefined, true],
  ["http://pictures.example", undefined, true],
  ["https://pictures.example.evil.example", undefined, true],
  ["file://", undefined, true],
  ["chrome-extension://abcdefgh", undefined, true],
];

test.each(ROWS)("origin %j, site %j: foreign %s", (origin, site, isForeign) => {
  const headers = {
    host: HOST,
    ...(origin !== undefined && { origin }),
    ...(site !== undefined && { "sec-fetch-site": site }),
  };
  const found = (method: string | undefined) => findForeignOrigin({ method, headers }, { publicUrl: PUBLIC_URL });
  for (const method of ["POST", "DELETE", "PATCH", "PUT", "PROPFIND"])
    expect([method, found(method) !== undefined]).toEqual([method, isForeign]);
  for (const method of ["GET", "HEAD", "OPTIONS", undefined]) expect(found(method)).toBe(undefined);
});

test("without a Host no origin is ours", () => {
  expect(findForeignOrigin({ method: "POST", headers: { origin: "http://" } })).toBe("http://");
  expect(findForeignOrigin({ method: "POST", headers: { origin: OWN } })).toBe(OWN);
});

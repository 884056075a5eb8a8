import fc from "fast-check";
import { expect, test } from "vitest";
import { urlExpiryMs } from "../../src/pipeline/url-expiry.ts";

const END = Date.parse("2026-10-01T01:00:00Z");
const END_S = END / 1000;
const policy = Buffer.from(`{"Statement":[{"Condition":{"DateLessThan":{"AWS:EpochTime":${END_S}}}}]}`).toString(
  "base64",
);

test.each([
  ["X-Amz-Date=20261001T000000Z&X-Amz-Expires=3600&X-Amz-Signature=s", END],
  ["x-amz-date=20261001T000000Z&x-amz-expires=3600", END],
  ["X-Goog-Date=20261001T000000Z&X-Goog-Expires=3600", END],
  ["x-oss-date=20261001T000000Z&x-oss-expires=3600", END],
  ["X-Tos-Date=20261001T000000Z&X-Tos-Expires=3600", END],
  [`Expires=${END_S}&OSSAccessKeyId=a&Signature=s`, END],
  [`Expires=${END}&Signature=s`, END],
  [`sv=2024-11-04&se=2026-10-01T01%3A00%3A00Z&sig=s`, END],
  ["se=2026-10-01T01:00Z&sig=s", END],
  ["se=2026-10-01&sig=s", Date.parse("2026-10-01")],
  [`q-sign-time=1700000000;${END_S}&q-signature=s`, END],
  [`q-sign-time=1700000000%3B${END_S}`, END],
  [`e=${END_S}&token=t`, END],
  [`x-expires=${END_S}&x-signature=s`, END],
  [`hdnts=st=1~exp=${END_S}~acl=/*~hmac=s`, END],
  [`Policy=${policy.replaceAll("+", "-").replaceAll("=", "_").replaceAll("/", "~")}&Signature=s`, END],
  [`Expires=${END_S}&x-expires=${END_S + 60}`, END],
  ["Expires=3600", undefined],
  ["X-Amz-Expires=3600", undefined],
  ["X-Amz-Date=20261001T000000Z&X-Amz-Expires=soon", undefined],
  ["X-Amz-Date=20269901T000000Z&X-Amz-Expires=3600", undefined],
  ["e=mc2&exp=never&se=", undefined],
  ["x=1", undefined],
  ["", undefined],
])("%s", (query, end) => {
  expect(urlExpiryMs(`https://images.test/1.png?${query}`)).toBe(end);
});

test("whatever a URL is, it gives a time or none", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (name, value) => {
      const end = urlExpiryMs(
        `https://images.test/1.png?${name}=${value}&Expires=${value}&X-Amz-Date=${value}&Policy=${value}`,
      );
      expect(end === undefined || Number.isFinite(end)).toBe(true);
    }),
  );
  expect(urlExpiryMs("no URL")).toBeUndefined();
});

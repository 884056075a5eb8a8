// The settings in the log: what counts, and no secret.
import { expect, test } from "vitest";
import { parseSettings } from "../../src/app/settings.ts";
import { toSettingsView } from "../../src/app/settings-view.ts";

const SECRETS = {
  REDIS_URL: "rediss://user:hidden-1@redis.test:6380/2?x=hidden-2",
  IMAGE_API_KEY: "hidden-3",
  API_TOKENS: "hidden-4,hidden-5",
  WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, "hidden-6").toString("base64")}`,
  HTTPS_PROXY: "http://user:hidden-7@proxy.test:3128",
  ASSET_ARCHIVER_TOKEN: "hidden-8",
};

test.each(["worker", "serve"] as const)("those of %s hold no secret", (role) => {
  const text = JSON.stringify(toSettingsView(parseSettings(SECRETS), role));
  expect(text).not.toMatch(/hidden|whsec|user/);
  expect(text).toContain("rediss://redis.test:6380/2");
});

test("by the names of the environment, with their defaults", () => {
  const settings = parseSettings({
    GENERATE_RATE_LIMIT: "10/s",
    PRICE_PER_IMAGE: "0.02 USD",
    STORAGE_URL: "s3://bucket/p",
  });
  expect(toSettingsView(settings, "worker")).toMatchObject({
    STORAGE_URL: "s3://bucket/p",
    IMAGE_API_KEY: "not set",
    GENERATE_CONCURRENCY: 16,
    GENERATE_RATE_LIMIT: "10/s",
    PRICE_PER_IMAGE: "0.02 USD",
  });
  expect(toSettingsView(settings, "serve")).toMatchObject({ HOST: "127.0.0.1", PORT: 8080, API_TOKENS: "not set" });
});

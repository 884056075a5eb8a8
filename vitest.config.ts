import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/global-setup.ts"],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    teardownTimeout: 20_000,
    pool: "forks",
    // the tests talk to real servers: more processes than this only makes deadlines pass on a small machine
    maxWorkers: 4,
    // the developer's own settings must not leak into a test
    env: { REDIS_URL: "", IMAGE_API_KEY: "", STORAGE_URL: "", CATALOG_URL: "" },
  },
});

import { describe, expect, test } from "vitest";
import { type Environment, parseSettings } from "../../src/app/settings.ts";
import { ConfigError } from "../../src/domain/errors.ts";

function faults(environment: Environment): ConfigError {
  try {
    parseSettings(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error;
  }
  throw new Error("Got no ConfigError");
}

test("without any setting everything has the default that the design promises", () => {
  expect(parseSettings({})).toMatchObject({
    redisUrl: "redis://127.0.0.1:6379",
    redisGiven: false,
    queuePrefix: "{asset-archiver}",
    catalogFile: "./data/catalog.db",
    storage: { kind: "directory", path: "./data/archive", forcePathStyle: false },
    imageApi: { baseUrl: "https://api.modelverse.cn/v1", key: undefined, timeoutMs: 180_000 },
    generate: { concurrency: 16, attempts: 8, rateLimit: undefined, unknownCallPolicy: "retry" },
    archive: { concurrency: 16 },
    urlLifetimeMs: 604_800_000,
    imageMaxBytes: 67_108_864,
    privateImageHosts: [],
    pricePerImage: undefined,
    http: { host: "127.0.0.1", port: 8080, tokens: [] },
    logLevel: "info",
  });
});

test("settings are read as people write them", () => {
  const settings = parseSettings({
    REDIS_URL: "rediss://user:pass@redis.test:6380/2",
    CATALOG_URL: "file:///srv/catalog.db",
    STORAGE_URL: "s3://bucket/some/prefix",
    IMAGE_API_KEY: "sk-1",
    IMAGE_API_TIMEOUT: " 90s ",
    GENERATE_CONCURRENCY: "1",
    GENERATE_RATE_LIMIT: "300/m",
    UNKNOWN_CALL_POLICY: "park",
    PRIVATE_IMAGE_HOSTS: " a.test , ,b.test:8080 ",
    PRICE_PER_IMAGE: "0.02 USD",
    SHUTDOWN_GRACE: "0s",
    PORT: "0",
    API_TOKENS: "one,two",
    UNHEARD_OF: "whatever",
  });
  expect(settings).toMatchObject({
    redisUrl: "rediss://user:pass@redis.test:6380/2",
    redisGiven: true,
    catalogFile: "/srv/catalog.db",
    spoolFolder: "/srv/spool",
    storage: { kind: "s3", bucket: "bucket", prefix: "some/prefix" },
    imageApi: { key: "sk-1", timeoutMs: 90_000 },
    generate: { concurrency: 1, rateLimit: { max: 300, durationMs: 60_000 }, unknownCallPolicy: "park" },
    privateImageHosts: ["a.test", "b.test:8080"],
    pricePerImage: { micros: 20_000, currency: "USD" },
    shutdownGraceMs: 0,
    http: { port: 0, tokens: ["one", "two"] },
  });
  expect(Object.isFrozen(settings)).toBe(true);
});

test.each([
  ["quotes, which docker leaves around what an env file holds", '"', '"'],
  ["single quotes", "'", "'"],
  ["spaces", "  ", "\t"],
])("%s are no part of a value", (_, before, after) => {
  const values = {
    REDIS_URL: "redis://redis.test:6380",
    CATALOG_URL: "file:./c.db",
    STORAGE_URL: "s3://bucket",
    IMAGE_API_BASE_URL: "https://api.test/v1",
    IMAGE_API_KEY: "sk-1",
    PRIVATE_IMAGE_HOSTS: "a.test,b.test:8080",
    PORT: "81",
    HTTPS_PROXY: "proxy.test:3128",
    API_TOKENS: "one,two",
  };
  const wrapped = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, before + value + after]));
  expect(parseSettings(wrapped)).toEqual(parseSettings(values));
});

test.each([
  ["file:///srv/my%20catalog.db", "/srv/my catalog.db"],
  ["file:./my%20catalog.db", "./my%20catalog.db"],
])("%s is decoded as STORAGE_URL is: %s", (url, path) => {
  expect(parseSettings({ CATALOG_URL: url }).catalogFile).toBe(path);
  expect(parseSettings({ STORAGE_URL: url }).storage).toMatchObject({ path });
  expect(parseSettings({ SPOOL_DIR: url }).spoolFolder).toBe(path);
});

test.each([
  [{ HTTP_PROXY: "p.test:1" }, "http://p.test:1/", undefined],
  [{ http_proxy: "http://low.test:1", HTTP_PROXY: "http://up.test:1" }, "http://low.test:1/", undefined],
  [{ ALL_PROXY: "http://all.test:1" }, "http://all.test:1/", "http://all.test:1/"],
  [{ all_proxy: "all.test:1", https_proxy: "s.test:1" }, "http://all.test:1/", "http://s.test:1/"],
  [
    { HTTP_PROXY: "h.test:1", HTTPS_PROXY: "s.test:1", ALL_PROXY: "socks5://x.test:1" },
    "http://h.test:1/",
    "http://s.test:1/",
  ],
])("the proxies of %j", (environment: Environment, httpProxy, httpsProxy) => {
  expect(parseSettings(environment).proxy).toEqual({ httpProxy, httpsProxy, noProxy: undefined });
});

test("tokens named twice count once, and an IPv6 host loses its brackets", () => {
  expect(parseSettings({ API_TOKENS: "a,,b,a", HOST: "[::1]" }).http).toMatchObject({
    tokens: ["a", "b"],
    host: "::1",
  });
});

test("what is misspelt is found, and refuses nothing", () => {
  expect(parseSettings({ GENERATE_CONCURENCY: "4" }).misspelled).toEqual([
    { name: "GENERATE_CONCURENCY", meant: "GENERATE_CONCURRENCY" },
  ]);
});

test("what is empty or blank counts as not given", () => {
  const names = ["REDIS_URL", "STORAGE_URL", "IMAGE_API_KEY", "GENERATE_RATE_LIMIT", "PORT", "API_TOKENS", "LOG_LEVEL"];
  for (const value of ["", "  ", "\t\n", undefined]) {
    expect(parseSettings(Object.fromEntries(names.map((name) => [name, value])))).toEqual(parseSettings({}));
  }
});

test.each([
  [{}, false],
  [{ AWS_ENDPOINT_URL_S3: "http://s3.test" }, true],
  [{ AWS_ENDPOINT_URL: "http://s3.test" }, true],
  [{ AWS_ENDPOINT_URL_S3: "" }, false],
  [{ AWS_ENDPOINT_URL_S3: "http://s3.test", S3_FORCE_PATH_STYLE: "false" }, false],
  [{ S3_FORCE_PATH_STYLE: "TRUE" }, true],
])("path style follows the endpoint unless it is set: %j", (environment: Environment, forcePathStyle) => {
  expect(parseSettings(environment).storage.forcePathStyle).toBe(forcePathStyle);
});

test.each([
  ["file:./data/catalog.db", "./data/catalog.db"],
  ["file:/srv/c.db", "/srv/c.db"],
  ["file:///srv/c.db", "/srv/c.db"],
  ["./c.db", "./c.db"],
  ["c.db", "c.db"],
])("the catalog at %s is the file %s", (CATALOG_URL, file) => {
  expect(parseSettings({ CATALOG_URL }).catalogFile).toBe(file);
});

const WRONG: [string, string[]][] = [
  ["REDIS_URL", ["127.0.0.1:6379", "http://redis.test", "redis", "redis://"]],
  [
    "CATALOG_URL",
    [
      ...["file:", "postgres://db.test/x", "s3://bucket/x", ":memory:", "file::memory:", "sqlite:x.db"],
      ...["file:./data/", "file:~/c.db", "~/c.db", "file://rel.db", "file:///srv/%zz.db", "file:./c.db?mode=ro"],
    ],
  ],
  [
    "STORAGE_URL",
    [
      ...["./data", "ftp://x", "s3://", "file:", "file:~/archive", "file://rel", "s3://Bucket"],
      ...["s3://key:secret@bucket", "s3://bucket/a?x", "https://bucket.s3.test"],
    ],
  ],
  ["SPOOL_DIR", ["~/spool", "s3://bucket/spool", "file:"]],
  ["QUEUE_PREFIX", ["a b", "x".repeat(101)]],
  ["S3_FORCE_PATH_STYLE", ["yes", "2"]],
  [
    "IMAGE_API_BASE_URL",
    [
      "api.test",
      "ftp://api.test",
      "http://",
      "https://api.test/v1/images/generations",
      "https://api.test/v1/Images/Generations/",
      "https://api.test/v1/images/edits",
      "https://api.test/v1/chat/completions",
      "https://api.test/v1/models",
      "https://api.test/v1/tasks/submit",
      "https://api.test/api/v1/services/aigc/multimodal-generation/generation",
      "https://api.test/v1?key=x",
      "https://api.test/v1?",
      "https://api.test/v1#images",
    ],
  ],
  ["IMAGE_API_KEY", ["two words", "line\nbreak", "schlüssel"]],
  ["IMAGE_API_TIMEOUT", ["0s", "30", "-1s", "soon", "30d"]],
  ["GENERATE_CONCURRENCY", ["0", "-1", "1.5", "many", "10001"]],
  ["ARCHIVE_CONCURRENCY", ["0"]],
  ["GENERATE_RATE_LIMIT", ["0/s", "10", "fast"]],
  ["GENERATE_ATTEMPTS", ["0", "x"]],
  ["UNKNOWN_CALL_POLICY", ["Retry", "ask"]],
  ["MAX_UNARCHIVED_IMAGES", ["3", "x"]],
  ["URL_LIFETIME", ["0d", "a week"]],
  ["IMAGE_MAX_BYTES", ["0B", "64", "big"]],
  ["PRICE_PER_IMAGE", ["0.02", "cheap"]],
  ["SHUTDOWN_GRACE", ["60", "30d"]],
  ["PORT", ["-1", "65536", "http"]],
  ["LOG_LEVEL", ["INFO", "loud"]],
];

test.each([
  "https://api.test",
  "https://api.test/",
  "http://127.0.0.1:8080/v1//",
  "https://api.test/models/v1",
  "https://api.test/api/images",
])("%s can be a base URL", (IMAGE_API_BASE_URL) => {
  expect(parseSettings({ IMAGE_API_BASE_URL }).imageApi.baseUrl).toBe(IMAGE_API_BASE_URL);
});

describe("what does not fit", () => {
  test.each(WRONG.flatMap(([name, values]) => values.map((value) => [name, value] as const)))(
    "%s=%s is a fault of its own",
    (name, value) => {
      const error = faults({ [name]: value });
      expect(error.code).toBe("invalid_settings");
      expect(error.faults.map((fault) => fault.field)).toEqual([name]);
      expect(error.faults[0]?.message).toMatch(/^wanted /);
    },
  );

  test("is reported all at once, each in a line of its own", () => {
    const environment = Object.fromEntries(WRONG.map(([name, [value]]) => [name, value]));
    const error = faults(environment);
    expect(error.faults.map((fault) => fault.field).sort()).toEqual(WRONG.map(([name]) => name).sort());
    expect(error.message.split("\n")).toHaveLength(WRONG.length + 1);
  });

  test("never shows a value, for one of them may be a secret", () => {
    const secret = "hunter2";
    const environment = Object.fromEntries(WRONG.map(([name]) => [name, ` ${secret} with spaces ://@`]));
    const error = faults(environment);
    expect(error.faults.length).toBeGreaterThan(10);
    expect(JSON.stringify([error.message, error.faults, error])).not.toContain(secret);
  });
});

test.each<[string, Environment]>([
  ["a folder", { STORAGE_URL: "file:./data/archive", MIRROR_URL: "file:./data/archive" }],
  ["a folder that is the default", { MIRROR_URL: "file:data/../data/archive/" }],
  ["a folder as a URL", { STORAGE_URL: "file:/srv/my archive", MIRROR_URL: "file:///srv/my%20archive" }],
  ["a bucket", { STORAGE_URL: "s3://bucket", MIRROR_URL: "s3://bucket/" }],
  ["a prefix", { STORAGE_URL: "s3://bucket/a/b", MIRROR_URL: "S3://bucket/a/b/" }],
])("the mirror cannot be the store: %s", (_, environment) => {
  expect(faults(environment).faults).toMatchObject([{ field: "MIRROR_URL" }]);
});

test("a mirror elsewhere is taken: another prefix, bucket, folder or kind", () => {
  for (const [STORAGE_URL, MIRROR_URL] of [
    ["s3://bucket/a", "s3://bucket/b"],
    ["s3://bucket/a", "s3://other/a"],
    ["file:./bucket", "s3://bucket"],
    ["file:./data/archive", "file:./data/mirror"],
  ])
    expect(parseSettings({ STORAGE_URL, MIRROR_URL }).mirror).toBeDefined();
});

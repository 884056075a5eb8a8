import { describe, expect, test } from "vitest";
import { redisUrlFault } from "../../src/queue/redis-url.ts";

describe("an address of a Redis", () => {
  test.each([
    "redis://127.0.0.1:6379",
    "redis://127.0.0.1",
    "redis://[::1]:6379/0",
    "rediss://user:p%40ss@redis.test:6380/15",
    "redis://:pass@redis.test/",
    "redis://redis.test/?family=6&db=3",
    "REDIS://redis.test/100000",
    " redis://redis.test ",
  ])("fits: %s", (text) => {
    expect(redisUrlFault(text)).toBeUndefined();
  });

  test.each([
    ["redis://127.0.0.1/notadb", /database number/],
    ["redis://127.0.0.1/-1", /database number/],
    ["redis://127.0.0.1/1.5", /database number/],
    ["redis://127.0.0.1/01", /database number/],
    ["redis://127.0.0.1/1/2", /database number/],
    ["redis://127.0.0.1/%31", /database number/],
    ["redis://127.0.0.1/9999999", /database number/],
    ["redis://127.0.0.1/?db=x", /database number/],
    ["redis://user:50%@127.0.0.1", /written as %25/],
    ["redis://127.0.0.1/0#frag", /written as %23/],
    ["redis://", /redis:\/\/host:port/],
    ["redis:///3", /redis:\/\/host:port/],
    ["http://127.0.0.1", /redis:\/\/host:port/],
    ["127.0.0.1:6379", /redis:\/\/host:port/],
    ["redis://127.0.0.1:99999", /redis:\/\/host:port/],
    ["redis-cluster://a:1,b:2", /Cluster and Sentinel are not supported yet/],
    ["rediss-sentinel://a:1/primary", /Cluster and Sentinel are not supported yet/],
  ])("is refused with the form that is expected: %s", (text, words) => {
    expect(redisUrlFault(text)).toMatch(words);
  });
});

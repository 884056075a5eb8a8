// Runs once around the whole test run: gives every test file the address of one Redis, as `inject("redisUrl")`.
import type { TestProject } from "vitest/node";
import { openTestRedis } from "./redis.ts";

declare module "vitest" {
  interface ProvidedContext {
    redisUrl: string;
  }
}

/** Starts the shared Redis; the function it returns stops it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const redis = await openTestRedis();
  project.provide("redisUrl", redis.url);
  return () => redis.close();
}

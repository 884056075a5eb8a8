// What importing and using the client loads, seen from a process of its own.
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { expect, inject, test } from "vitest";

const CLIENT = pathToFileURL("src/client.ts").href;

/** Runs a module; resolves to what it prints as JSON, once the process has ended by itself. */
async function run(source: string): Promise<unknown> {
  const child = spawn("node", ["--input-type=module", "-e", source], { stdio: ["ignore", "pipe", "inherit"] });
  const [output, code] = await Promise.all([text(child.stdout), new Promise((resolve) => child.on("close", resolve))]);
  expect(code).toBe(0);
  return JSON.parse(output);
}

const WATCHED = `
  import { registerHooks } from "node:module";
  const loaded = [];
  registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
  const { createClient } = await import(${JSON.stringify(CLIENT)});`;

const packagesOf = (urls: unknown) =>
  new Set((urls as string[]).flatMap((url) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []));

test("importing the client loads no package at all", async () => {
  expect(packagesOf(await run(`${WATCHED} console.log(JSON.stringify(loaded))`))).toEqual(new Set());
});

test("a client by HTTP loads no queue", async () => {
  const loaded = packagesOf(
    await run(`${WATCHED}
    const client = createClient({ url: "http://127.0.0.1:9" });
    await client.get("a").catch(() => undefined);
    console.log(JSON.stringify(loaded));`),
  );
  expect(loaded).toEqual(new Set(["zod"]));
});

test("a client to Redis loads neither store, image library nor database, and its process ends after close", async () => {
  const options = JSON.stringify({ redisUrl: inject("redisUrl"), queuePrefix: `{loading-${process.pid}}` });
  const loaded = packagesOf(
    await run(`${WATCHED}
    const client = createClient(${options});
    await client.enqueue({ prompt: "a fox", request_id: "fox" });
    await client.wait("fox", { timeoutMs: 100 }).catch(() => undefined);
    await client.close();
    console.log(JSON.stringify(loaded));`),
  );
  expect(loaded).toContain("bullmq");
  for (const heavy of ["@aws-sdk/client-s3", "sharp", "better-sqlite3", "drizzle-orm", "pino", "undici", "hono"]) {
    expect(loaded).not.toContain(heavy);
  }
});

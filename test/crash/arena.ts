// The world of one mode: a Redis, a sandbox, a store and a catalog of its own, and the producer that fills it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type App, createApp } from "../../src/app/app.ts";
import { createLog } from "../../src/app/log.ts";
import { parseSettings } from "../../src/app/settings.ts";
import type { BillSnapshot } from "../../src/dev/sandbox/bill.ts";
import type { Switches } from "../../src/dev/sandbox/switches.ts";
import type { Store } from "../../src/pipeline/ports.ts";
import { createDirectoryStore } from "../../src/storage/directory.ts";
import { createS3Store } from "../../src/storage/s3.ts";
import { createDice, type Dice } from "./dice.ts";
import { type Environment, startChild } from "./processes.ts";
import { createProducer, type Producer } from "./producer.ts";
import { openRedisControl, type RedisControl } from "./redis-control.ts";
import { type FaultyS3, startFaultyS3 } from "./s3-front.ts";

export interface ArenaOptions {
  mode: string;
  seed: number;
  persistence: "aof" | "none";
  s3: boolean;
  env?: Environment;
}

export interface Arena {
  mode: string;
  dir: string;
  env: Environment;
  app: App;
  dice: Dice;
  producer: Producer;
  sandbox: SandboxControl;
  redis: RedisControl;
  s3: FaultyS3 | undefined;
  store: Store;
  /** Ends everything; the folder with logs and catalog goes, unless somebody wants to look at it. */
  close(options: { keep: boolean }): Promise<void>;
}

export interface SandboxControl {
  set(switches: Partial<Switches>): Promise<void>;
  bill(): Promise<BillSnapshot>;
}

/** Opens everything; `close` ends the processes and removes the folder. */
export async function openArena(options: ArenaOptions): Promise<Arena> {
  const dir = await mkdtemp(join(tmpdir(), `crash-${options.mode}-`));
  const redis = await openRedisControl({ dir: join(dir, "redis"), persistence: options.persistence });
  const sandbox = startChild({
    args: [join(import.meta.dirname, "sandbox.ts"), JSON.stringify({ imageScale: 0.02, randomSeed: options.seed })],
    cwd: dir,
    env: {},
    log: join(dir, "sandbox.log"),
  });
  const { url } = JSON.parse(await sandbox.ready) as { url: string };
  const s3 = options.s3 ? await startFaultyS3() : undefined;
  const env = { ...toEnvironment({ dir, redisUrl: redis.url, apiUrl: url, s3 }), ...options.env };
  const app = createApp({ settings: parseSettings(env), log: createLog({ level: "error" }) });
  const dice = createDice(options.seed, options.mode);
  const store = openCheckedStore(dir, s3);
  return {
    mode: options.mode,
    dir,
    env,
    app,
    dice,
    producer: createProducer({
      app,
      dice: createDice(options.seed, `${options.mode} requests`),
      mode: options.mode,
    }),
    sandbox: createSandboxControl(new URL(url).origin),
    redis,
    s3,
    store,
    close: async ({ keep }) => {
      await app.close();
      await store.close();
      await s3?.close();
      sandbox.process.kill("SIGTERM");
      await sandbox.ended;
      await redis.stop();
      if (!keep) await rm(dir, { recursive: true, force: true });
    },
  };
}

interface Places {
  dir: string;
  redisUrl: string;
  apiUrl: string;
  s3: FaultyS3 | undefined;
}

/** Settings as an operator would write them, with times short enough for a test. */
function toEnvironment({ dir, redisUrl, apiUrl, s3 }: Places): Environment {
  const stored =
    s3 === undefined
      ? { STORAGE_URL: `file:${dir}/archive` }
      : {
          STORAGE_URL: `s3://${s3.bucket}/pictures`,
          AWS_ENDPOINT_URL_S3: s3.endpoint,
          AWS_REGION: s3.region,
          AWS_ACCESS_KEY_ID: s3.credentials.accessKeyId,
          AWS_SECRET_ACCESS_KEY: s3.credentials.secretAccessKey,
        };
  return {
    ...stored,
    REDIS_URL: redisUrl,
    QUEUE_PREFIX: "{crash}",
    CATALOG_URL: `file:${dir}/catalog.db`,
    IMAGE_API_BASE_URL: apiUrl,
    IMAGE_API_KEY: "sandbox",
    IMAGE_API_TIMEOUT: "2s",
    PRIVATE_IMAGE_HOSTS: "127.0.0.1",
    GENERATE_CONCURRENCY: "4",
    ARCHIVE_CONCURRENCY: "4",
    GENERATE_ATTEMPTS: "12",
    // a twentieth of it is the longest wait between two copies
    URL_LIFETIME: "5m",
    LOG_LEVEL: "info",
  };
}

function openCheckedStore(dir: string, s3: FaultyS3 | undefined): Store {
  if (s3 === undefined) return createDirectoryStore({ root: join(dir, "archive") });
  const { bucket, endpoint, region, credentials } = s3;
  return createS3Store({ bucket, prefix: "pictures", endpoint, region, credentials, forcePathStyle: true });
}

function createSandboxControl(origin: string): SandboxControl {
  return {
    set: async (switches) => {
      const answer = await fetch(`${origin}/sandbox`, { method: "PATCH", body: JSON.stringify(switches) });
      if (!answer.ok) throw new Error(`Cannot set the sandbox: ${await answer.text()}`);
    },
    bill: async () => (await (await fetch(`${origin}/sandbox/bill`)).json()) as BillSnapshot,
  };
}

/** Resolves once `condition` holds; false when it did not within `deadlineMs`. */
export async function holds(condition: () => boolean | Promise<boolean>, deadlineMs: number): Promise<boolean> {
  const end = Date.now() + deadlineMs;
  while (!(await condition())) {
    if (Date.now() > end) return false;
    await delay(50);
  }
  return true;
}

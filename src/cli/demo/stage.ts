// Everything that the demo needs, opened in order and closed in reverse: sandbox, Redis, worker. Each but the sandbox is
// the very one of production; only the settings are the demo's own.
import { createHash } from "node:crypto";
import { join, relative, resolve } from "node:path";
import { type App, createApp } from "../../app/app.ts";
import { parseSettings, type Settings } from "../../app/settings.ts";
import { startWorker } from "../../app/worker.ts";
import { openRedis } from "../../dev/local-redis/open-redis.ts";
import { openSandbox, type Sandbox, type SandboxOptions } from "../../dev/sandbox/sandbox.ts";
import type { Log, OnStep } from "../../pipeline/ports.ts";

/** Everything of a demo lies here, relative to the folder it was started in. */
export const DEMO_FOLDER = "data/demo";

export interface Demo {
  app: App;
  sandbox: Sandbox;
  redis: { url: string; passwordFile?: string; startedByUs: boolean };
  /** The settings with which other commands find this demo. A password is in there. */
  environment: Record<string, string>;
  /** The path of an image, as short as it opens. */
  locate(key: string): string;
  /** Stops what was started here. Calling it again hurries the worker. */
  close(): Promise<void>;
}

export interface DemoOptions {
  /** The user's own settings: of them only REDIS_URL counts. */
  settings: Settings;
  log: Log;
  onStep: OnStep;
  /** Smaller pictures are painted faster. */
  imageScale: number;
  writeError(line: string): void;
  signal: AbortSignal;
}

/** An API that takes its time, as the real one does: 0.6 to 1.5 s for a call. */
const SWITCHES = { latencyMs: 1_050, latencyJitter: 0.43 } as const;
/** Few at a time, so that one sees them come and go. */
const CONCURRENCY = "4";

/** Opens the demo. What was opened before a failure is closed again. */
export async function openDemo(options: DemoOptions): Promise<Demo> {
  const closers: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (let one = closers.pop(); one !== undefined; one = closers.pop()) await one();
  };
  try {
    const redis = await openRedis({
      redisUrl: options.settings.redisGiven ? options.settings.redisUrl : undefined,
      dataDir: `./${DEMO_FOLDER}`,
      say: options.writeError,
      signal: options.signal,
    });
    closers.push(redis.close);
    const sandbox = await openDemoSandbox(options.imageScale);
    closers.push(sandbox.close);
    const environment = toEnvironment(redis.url, sandbox.url);
    const app = createApp({ settings: parseSettings(environment), log: options.log, onStep: options.onStep });
    closers.push(app.close);
    const worker = await startWorker(app);
    closers.push(worker.stop);
    return {
      app,
      sandbox,
      redis,
      environment,
      locate: (key) => relative(process.cwd(), app.store().locate(key)),
      close: once(close, () => void worker.stop()),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function once(first: () => Promise<void>, again: () => void): () => Promise<void> {
  let begun: Promise<void> | undefined;
  return () => {
    if (begun !== undefined) again();
    begun ??= first();
    return begun;
  };
}

// The same port and secret each time: should a demo be killed, the next one finds the URLs of its images alive and goes
// on with them. The port is the folder's own; somebody else may have it, and then any will do.
async function openDemoSandbox(imageScale: number): Promise<Sandbox> {
  const id = folderId();
  const options: SandboxOptions = { ...SWITCHES, imageScale, secret: `demo-${id}` };
  const port = 20_000 + (Number.parseInt(id, 16) % 10_000);
  try {
    return await openSandbox({ ...options, port });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    return openSandbox({ ...options, port: 0 });
  }
}

function toEnvironment(redisUrl: string, apiUrl: string): Record<string, string> {
  return {
    REDIS_URL: redisUrl,
    // a Redis may be shared by demos in other folders, whose catalogs know nothing of our requests
    QUEUE_PREFIX: `{asset-archiver-demo-${folderId()}}`,
    CATALOG_URL: `file:./${DEMO_FOLDER}/catalog.db`,
    STORAGE_URL: `file:./${DEMO_FOLDER}/archive`,
    IMAGE_API_BASE_URL: apiUrl,
    IMAGE_API_KEY: "sandbox",
    PRIVATE_IMAGE_HOSTS: "127.0.0.1",
    GENERATE_CONCURRENCY: CONCURRENCY,
    ARCHIVE_CONCURRENCY: CONCURRENCY,
    SHUTDOWN_GRACE: "10s",
  };
}

function folderId(): string {
  return createHash("sha256")
    .update(resolve(join(".", DEMO_FOLDER)))
    .digest("hex")
    .slice(0, 8);
}

// A whole archive in this process: settings, catalog, store, queues and (where wanted) worker and sandbox, in a folder
// and under a prefix of its own. Everything is closed with the test.
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject, onTestFinished, vi } from "vitest";
import { type App, createApp } from "../../src/app/app.ts";
import { createLog } from "../../src/app/log.ts";
import { parseSettings } from "../../src/app/settings.ts";
import { startWorker } from "../../src/app/worker.ts";
import { openSandbox, type Sandbox, type SandboxOptions } from "../../src/dev/sandbox/sandbox.ts";

// threads and whole programs start on a machine that runs other tests, too: deadlines are for hangs, not for slowness
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

export interface World {
  app: App;
  /** What a command needs to find the same archive. */
  env: Record<string, string>;
  folder: string;
  redisUrl: string;
  prefix: string;
}

/** An archive without a worker. `settings` are environment variables. */
export async function openWorld(settings: Record<string, string> = {}): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "asset-archiver-test-"));
  const prefix = `{test-${randomUUID()}}`;
  const redisUrl = inject("redisUrl");
  const env = {
    REDIS_URL: redisUrl,
    QUEUE_PREFIX: prefix,
    CATALOG_URL: `file:${folder}/catalog.db`,
    STORAGE_URL: `file:${folder}/archive`,
    LOG_LEVEL: "silent",
    ...settings,
  };
  const app = createApp({ settings: parseSettings(env), log: createLog({ level: "silent" }) });
  onTestFinished(async () => {
    await app.close();
    await rm(folder, { recursive: true, force: true });
  });
  return { app, env, folder, redisUrl, prefix };
}

/** An archive at work: a sandbox in place of the API, and a worker. */
export async function openBusyWorld(
  options: { settings?: Record<string, string>; sandbox?: SandboxOptions } = {},
): Promise<World & { sandbox: Sandbox }> {
  const sandbox = await openSandbox({ imageScale: 0.05, ...options.sandbox });
  onTestFinished(() => sandbox.close());
  const world = await openWorld({
    IMAGE_API_BASE_URL: sandbox.url,
    IMAGE_API_KEY: "test",
    PRIVATE_IMAGE_HOSTS: "127.0.0.1",
    ...options.settings,
  });
  const worker = await startWorker(world.app);
  // registered after the app's own end, so it runs before it
  onTestFinished(async () => void (await worker.stop()));
  return { ...world, sandbox };
}

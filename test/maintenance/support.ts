// What the tests of keeping share: an app of its own with a sandbox behind it, and rows to compare.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { inject, onTestFinished, vi } from "vitest";
import { type App, createApp } from "../../src/app/app.ts";
import { type Environment, parseSettings } from "../../src/app/settings.ts";
import { submit, waitForEnd } from "../../src/app/submit.ts";
import { startWorker } from "../../src/app/worker.ts";
import { openSandbox, type Sandbox, type SandboxOptions } from "../../src/dev/sandbox/sandbox.ts";
import type { RequestDetail } from "../../src/domain/records.ts";

// each test starts workers on a machine which runs other tests, too: deadlines are for hangs, not for slowness
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

export const QUIET = { debug() {}, info() {}, warn() {}, error() {} };

export interface Place {
  folder: string;
  env: Environment;
  sandbox: Sandbox;
}

/** A folder, a sandbox and the settings that join them; all gone after the test. */
export async function openPlace(options: SandboxOptions = {}, env: Environment = {}): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), "asset-archiver-keeping-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const sandbox = await openSandbox({ imageScale: 0.02, ...options });
  onTestFinished(() => sandbox.close());
  return {
    folder,
    sandbox,
    env: {
      REDIS_URL: inject("redisUrl"),
      QUEUE_PREFIX: `{keeping-${randomBytes(6).toString("hex")}}`,
      CATALOG_URL: `file:${folder}/catalog.db`,
      STORAGE_URL: `file:${folder}/archive`,
      IMAGE_API_BASE_URL: sandbox.url,
      IMAGE_API_KEY: "key",
      IMAGE_API_TIMEOUT: "5s",
      PRIVATE_IMAGE_HOSTS: "127.0.0.1",
      SHUTDOWN_GRACE: "1s",
      ...env,
    },
  };
}

/** An app in a place. It is closed after the test, and can be closed before. */
export function openApp({ env }: Place): App {
  const app = createApp({ settings: parseSettings(env), log: QUIET });
  onTestFinished(() => app.close());
  return app;
}

/**
 * Lets a worker do these requests to their ends, one by one, and stops it; a function between them changes the world. The
 * app is closed then: a new one sees what is there.
 */
export async function archiveAll(place: Place, requests: readonly (object | (() => void))[]): Promise<RequestDetail[]> {
  const app = createApp({ settings: parseSettings(place.env), log: QUIET });
  try {
    const worker = await startWorker(app);
    const details: RequestDetail[] = [];
    for (const request of requests) {
      if (typeof request === "function") {
        request();
        continue;
      }
      const { request_id } = (await submit(app, request)).request;
      const ended = await waitForEnd(app, request_id, AbortSignal.timeout(60_000));
      if (ended === undefined) throw new Error(`Request "${request_id}" did not end in time`);
      details.push(ended);
    }
    await untilSealed(app);
    await worker.stop();
    return details;
  } finally {
    await app.close();
  }
}

// a request that failed gets its sidecar a moment after its end
async function untilSealed(app: App): Promise<void> {
  const deadline = Date.now() + 60_000;
  while ([...app.catalog().listMissingSidecars()].flat().length > 0) {
    if (Date.now() > deadline) throw new Error("Sidecars are missing");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** All rows of a table, in an order that does not depend on how they came there. */
export function rowsOf(file: string, table: string, without: readonly string[] = []): Record<string, unknown>[] {
  const sqlite = new Sqlite(file, { readonly: true });
  try {
    const rows = sqlite.prepare<[], Record<string, unknown>>(`select * from ${table}`).all();
    const kept = rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !without.includes(name))));
    return kept.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  } finally {
    sqlite.close();
  }
}

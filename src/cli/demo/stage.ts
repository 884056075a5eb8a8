// The demo is `up` with settings of its own: a folder, a prefix, a sandbox that takes its time, and few jobs at a time.
import { relative } from "node:path";
import type { App } from "../../app/app.ts";
import { parseSettings, type Settings } from "../../app/settings.ts";
import type { Log, OnStep } from "../../pipeline/ports.ts";
import { folderId, openStack, toSandboxOptions } from "../up/stack.ts";

/** Everything of a demo lies here, relative to the folder it was started in. */
export const DEMO_FOLDER = "data/demo";

export interface Demo {
  app: App;
  /** The page's address. */
  url: string;
  redis: { url: string; passwordFile?: string; startedByUs: boolean };
  /** The settings with which other commands find this demo. A password is in there. */
  environment: Record<string, string>;
  /** The path of an image, as short as it opens. */
  locate(key: string): string;
  /** Stops what was started here. Calling it again ends the wait for calls. */
  close(): Promise<unknown>;
}

export interface DemoOptions {
  /** The user's own settings: of them only REDIS_URL, HOST, PORT and API_TOKENS count. */
  settings: Settings;
  log: Log;
  onStep: OnStep;
  /** Smaller pictures are painted faster. */
  imageScale: number;
  writeError(line: string): void;
  /** Called with the page's address when the server listens. */
  onListening(url: string): void;
  signal: AbortSignal;
}

/** An API that takes its time, as the real one does: 0.6 to 1.5 s for a call. */
const SWITCHES = { latencyMs: 1_050, latencyJitter: 0.43 } as const;
/** Few at a time, so that one sees them come and go. */
const CONCURRENCY = "4";

/** Opens the demo. What was opened before a failure is closed again. */
export async function openDemo(options: DemoOptions): Promise<Demo> {
  const { log, onStep, imageScale, settings, signal } = options;
  let environment: Record<string, string> = {};
  const stack = await openStack({
    settings: toDemoSettings(settings),
    log,
    onStep,
    sandbox: { ...toSandboxOptions(DEMO_FOLDER), ...SWITCHES, imageScale },
    preferPrivateRedis: false,
    anyPort: true,
    // the folder decides: a removed one leaves its id in a Redis that other programs share
    prepare: { adopt: true },
    say: options.writeError,
    onListening: ({ url, redis, sandbox }) => {
      environment = toEnvironment(redis.url, sandbox?.url ?? "");
      options.onListening(url);
    },
    signal,
  });
  const { app, url, redis } = stack;
  const locate = (key: string) => relative(process.cwd(), app.store().locate(key));
  return { app, url, redis, environment, locate, close: stack.close };
}

function toDemoSettings({ redisGiven, redisUrl, http }: Settings): Settings {
  const { REDIS_URL: _, ...environment } = toEnvironment(redisUrl, "http://127.0.0.1/v1");
  const own = parseSettings(environment);
  const { host, port, tokens } = http;
  return { ...own, redisGiven, redisUrl, http: { ...own.http, host, port, tokens } };
}

function toEnvironment(redisUrl: string, apiUrl: string): Record<string, string> {
  return {
    REDIS_URL: redisUrl,
    // a Redis may be shared by demos in other folders, whose catalogs know nothing of our requests
    QUEUE_PREFIX: `{asset-archiver-demo-${folderId(DEMO_FOLDER)}}`,
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

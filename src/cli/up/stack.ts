// Everything on one machine, in one process: Redis, sandbox, server and worker, opened in order and closed in reverse. Server
// and worker are the very ones of production; `up` and `demo` differ only in the settings.
import { createHash } from "node:crypto";
import { dirname, relative, resolve } from "node:path";
import { type App, createApp } from "../../app/app.ts";
import type { PrepareOptions } from "../../app/installation.ts";
import type { Settings } from "../../app/settings.ts";
import { type RunningWorker, startWorker } from "../../app/worker.ts";
import { findServerProgram } from "../../dev/local-redis/install.ts";
import { type OpenedRedis, openRedis } from "../../dev/local-redis/open-redis.ts";
import { openSandbox, type Sandbox, type SandboxOptions } from "../../dev/sandbox/sandbox.ts";
import { ConfigError } from "../../domain/errors.ts";
import type { Log, OnStep } from "../../pipeline/ports.ts";
import { type RunningServer, startServer } from "../../server/server.ts";

export interface StackOptions {
  settings: Settings;
  log: Log;
  onStep?: OnStep;
  /** Opened as the image API; undefined where the API of the settings is called. */
  sandbox: SandboxOptions | undefined;
  /** A private Redis where a server program is there, even if something answers on the default address. */
  preferPrivateRedis: boolean;
  /** Whether another port is taken where PORT is not free. */
  anyPort: boolean;
  /** How catalog, queues and store come to belong to one installation. */
  prepare: PrepareOptions;
  /** Receives what was found or started, a line each. */
  say(line: string): void;
  /** Called when the server listens, before the worker starts. */
  onListening(stack: ListeningStack): void;
  /** Ends an installation of Redis. */
  signal: AbortSignal;
}

/** What runs once the server listens. */
export interface ListeningStack {
  app: App;
  /** The page, and the HTTP API. */
  url: string;
  port: number;
  redis: OpenedRedis;
  sandbox: Sandbox | undefined;
}

export interface Stack extends ListeningStack {
  /** Resolves, while it runs, to why it must stop: another installation has taken over the queues. */
  readonly displaced: Promise<ConfigError>;
  /**
   * Stops what was started here and waits for calls in flight. Resolves to whether all of them finished. Calling it again
   * ends the wait.
   */
  close(): Promise<boolean>;
}

/** Closing what is left may take this long, in ms. */
const CLOSE_MS = 3_000;

/** Starts all of it; resolves when the worker takes jobs. What was opened before a failure is closed again. */
export async function openStack(options: StackOptions): Promise<Stack> {
  const closers: (() => Promise<unknown>)[] = [];
  try {
    const redis = await openRedisOf(options);
    closers.push(redis.close);
    const sandbox = options.sandbox && (await openSandboxAt(options.sandbox));
    if (sandbox !== undefined) closers.push(sandbox.close);
    const settings = toStackSettings(options.settings, { redis, sandbox });
    const { log, onStep } = options;
    const { app, server } = await listen({ settings, log, ...(onStep && { onStep }), createCatalog: false }, options);
    closers.push(app.close, () => server.stop());
    refuseSecond(redis, settings);
    const listening = { app, url: server.url, port: server.port, redis, sandbox };
    options.onListening(listening);
    const worker = await startWorker(app);
    return { ...listening, displaced: worker.displaced, close: createClose({ server, worker, app, sandbox, redis }) };
  } catch (error) {
    for (const close of closers.reverse()) await close();
    throw error;
  }
}

async function openRedisOf({ settings, preferPrivateRedis, say, signal }: StackOptions): Promise<OpenedRedis> {
  return openRedis({
    redisUrl: settings.redisGiven ? settings.redisUrl : undefined,
    dataDir: dirname(settings.catalogFile),
    // a server on the default address is somebody's own; it serves where there is no program to start one
    preferPrivate: preferPrivateRedis && (await findServerProgram()) !== undefined,
    say,
    signal,
  });
}

function toStackSettings(
  settings: Settings,
  { redis, sandbox }: { redis: OpenedRedis; sandbox: Sandbox | undefined },
): Settings {
  if (sandbox === undefined) return { ...settings, redisUrl: redis.url };
  const { imageApi, privateImageHosts, proxy } = settings;
  return {
    ...settings,
    redisUrl: redis.url,
    imageApi: { ...imageApi, baseUrl: sandbox.url, key: "sandbox" },
    privateImageHosts: [...privateImageHosts, `127.0.0.1:${sandbox.port}`],
    proxy: { ...proxy, noProxy: proxy.noProxy === undefined ? "127.0.0.1" : `${proxy.noProxy},127.0.0.1` },
  };
}

type AppOptions = Parameters<typeof createApp>[0];

async function listen(
  options: AppOptions,
  { prepare, anyPort }: Pick<StackOptions, "prepare" | "anyPort">,
): Promise<{ app: App; server: RunningServer }> {
  const app = createApp(options);
  try {
    await app.prepare(prepare);
    return { app, server: await startServer(app) };
  } catch (error) {
    await app.close();
    const { http } = options.settings;
    const isTaken = error instanceof ConfigError && error.code === "cannot_listen";
    if (!isTaken || !anyPort || http.port === 0) throw error;
    return listen(
      { ...options, settings: { ...options.settings, http: { ...http, port: 0 } } },
      { prepare, anyPort: false },
    );
  }
}

// the first one owns the Redis of the folder: if it were killed, the second would lose it
function refuseSecond({ passwordFile, startedByUs }: OpenedRedis, { catalogFile }: Settings): void {
  if (passwordFile === undefined || startedByUs) return;
  const folder = relative(process.cwd(), dirname(catalogFile)) || ".";
  const message = `Cannot start: \`asset-archiver up\` or \`demo\` already runs with the data in ${folder}; stop it first, or add a worker with \`asset-archiver worker\``;
  throw new ConfigError(message, { code: "already_running" });
}

interface Running {
  server: RunningServer;
  worker: RunningWorker;
  app: App;
  sandbox: Sandbox | undefined;
  redis: OpenedRedis;
}

function createClose({ server, worker, app, sandbox, redis }: Running): () => Promise<boolean> {
  let closing: Promise<boolean> | undefined;
  const closeAll = async () => {
    // a worker in its grace still calls the sandbox and Redis: they are closed after it
    const [inTime] = await Promise.all([worker.stop(), server.stop()]);
    await Promise.race([app.close(), app.clock.sleep(CLOSE_MS, new AbortController().signal)]);
    await sandbox?.close();
    await redis.close();
    return inTime;
  };
  return () => {
    if (closing !== undefined) void Promise.all([worker.stop(), server.stop()]);
    closing ??= closeAll();
    return closing;
  };
}

/**
 * Options of the sandbox of a folder: the same port and secret each time, so that the image URLs of a process that was
 * killed stay good for the next one.
 */
export function toSandboxOptions(dataFolder: string): SandboxOptions & { port: number; secret: string } {
  const id = folderId(dataFolder);
  return { port: 20_000 + (Number.parseInt(id, 16) % 10_000), secret: `sandbox-${id}` };
}

/** Tells the data folders of one machine apart. */
export function folderId(dataFolder: string): string {
  return createHash("sha256").update(resolve(dataFolder)).digest("hex").slice(0, 8);
}

// the port may be another program's, and then any other is used
async function openSandboxAt(options: SandboxOptions): Promise<Sandbox> {
  try {
    return await openSandbox(options);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    return openSandbox({ ...options, port: 0 });
  }
}

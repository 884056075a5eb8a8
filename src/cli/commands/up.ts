// `up`: everything on one machine by one command, until it is stopped.
import { existsSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Command } from "commander";
import { createLog } from "../../app/log.ts";
import { readSettings, type Settings } from "../../app/settings.ts";
import { NEW_PRIVATE_FILE } from "../../storage/private-files.ts";
import { commandName, EXIT, printJson, writeError, writeOutput } from "../io.ts";
import { withListenAddress } from "../listen-address.ts";
import { NEW_CATALOG_OPTION, type NewCatalogFlag } from "../new-catalog.ts";
import { type ListeningStack, openStack, type Stack, toSandboxOptions } from "../up/stack.ts";

const EXAMPLES = `
Redis is the one of REDIS_URL; without it a private one starts, with its data beside the catalog (./data/redis). Commands in
the same folder find it while it runs. Without IMAGE_API_KEY the image API is the built-in sandbox, which costs nothing.
Ctrl-C or SIGTERM: no new calls, in-flight ones finish (SHUTDOWN_GRACE); a second signal stops at once. The next start
continues what was unfinished, also after a kill.

Examples:
  $ asset-archiver up                              then open the address it prints
  $ IMAGE_API_KEY=… asset-archiver up --port 9000
  $ asset-archiver up --port 0 --json | jq -r .url`;

interface Options extends NewCatalogFlag {
  host?: string;
  port?: string;
  json?: boolean;
}

export function addUpCommand(program: Command, end: (code: number) => void): void {
  program
    .command("up")
    .description("run everything on this machine: Redis, a worker and the server with its page")
    .option("--host <address>", "where to listen (default: HOST)")
    .option("--port <number>", "where to listen, 0 for any free one (default: PORT)")
    .option(...NEW_CATALOG_OPTION)
    .option("--json", "print the addresses as one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options) => end(await runUp(options)));
}

async function runUp(options: Options): Promise<number> {
  const settings = withListenAddress(readSettings(), options);
  const remarks = createRemarks();
  const installing = new AbortController();
  const starting = openStack({
    settings,
    log: createLog({ level: settings.logLevel }),
    sandbox: settings.imageApi.key === undefined ? toSandboxOptions(dirname(settings.catalogFile)) : undefined,
    preferPrivateRedis: true,
    anyPort: false,
    prepare: { newCatalog: options.newCatalog ?? false },
    say: remarks.add,
    onListening: (stack) => {
      printStart(stack, options);
      remarks.release();
    },
    signal: installing.signal,
  });
  // listening before it is ready: a signal during the start must stop what has started already
  const stopped = whenStopped(starting, () => installing.abort());
  try {
    await starting;
  } finally {
    remarks.release();
  }
  const code = await exitCodeOf(await starting, stopped);
  // a Redis that is away would be retried without end, and a call that was given up be waited for
  process.exit(code);
}

async function exitCodeOf(stack: Stack, stopped: Promise<boolean>): Promise<number> {
  const ended = await Promise.race([stopped, stack.displaced]);
  if (typeof ended === "boolean") return ended ? EXIT.done : EXIT.interrupted;
  writeError(ended.message);
  await stack.close();
  return EXIT.wrongUse;
}

/** How long remarks wait for the address, in ms: an installation of Redis, which takes longer, should be seen. */
const REMARKS_WAIT_MS = 5_000;

/** Holds remarks back until the address is printed, so that it is the first line, also where both streams are read as one. */
function createRemarks(): { add(line: string): void; release(): void } {
  const held: string[] = [];
  let isOpen = false;
  const release = () => {
    isOpen = true;
    clearTimeout(timer);
    for (const line of held.splice(0)) writeError(line);
  };
  const timer = setTimeout(release, REMARKS_WAIT_MS);
  return { add: (line) => (isOpen ? writeError(line) : void held.push(line)), release };
}

function printStart(stack: ListeningStack, { json }: Options): void {
  const { settings } = stack.app;
  const hasStandIns = markSandbox(stack);
  if (json) printJson(toStartJson(stack));
  else [stack.url, ...toStartLines(stack)].forEach(writeOutput);
  if (json && stack.sandbox !== undefined) writeError(SANDBOX_REMARK);
  if (settings.redisGiven) writeError("Using the Redis of REDIS_URL");
  if (hasStandIns && stack.sandbox === undefined) writeError(STAND_INS_WARNING);
}

const STAND_INS_WARNING =
  "Warning: this archive holds stand-ins from the sandbox, and recipes with the same seed are answered with them. Use another data folder (CATALOG_URL, STORAGE_URL) for real images, or enqueue with --fresh.";

/** Leaves a mark beside the catalog where the sandbox is used. Returns whether there was one, of this start or an earlier one. */
function markSandbox({ app, sandbox }: ListeningStack): boolean {
  const mark = join(dirname(app.settings.catalogFile), "sandbox-used");
  try {
    if (sandbox !== undefined && !existsSync(mark))
      writeFileSync(mark, "This archive holds images of the sandbox.\n", NEW_PRIVATE_FILE);
    return existsSync(mark);
  } catch {
    // a remark less: what cannot be written here fails elsewhere with its reason
    return false;
  }
}

const SANDBOX_REMARK =
  "IMAGE_API_KEY is not set: images come from the built-in sandbox. They are stand-ins and cost nothing; set a key for real ones, with a data folder of its own.";

function toStartLines({ app, sandbox }: ListeningStack): string[] {
  const { imageApi, catalogFile } = app.settings;
  return [
    sandbox === undefined ? `Image API: ${imageApi.baseUrl}` : SANDBOX_REMARK,
    `Data: ${relative(process.cwd(), dirname(catalogFile)) || "."}. Ctrl-C stops everything; the next start continues.`,
    `In another terminal in this folder: ${commandName()} enqueue "a red fox in the snow" --wait`,
  ];
}

function toStartJson({ app, url, port, redis, sandbox }: ListeningStack) {
  const { http, imageApi, catalogFile } = app.settings;
  return {
    url,
    host: http.host,
    port,
    image_api: imageApi.baseUrl,
    sandbox: sandbox !== undefined,
    redis: withoutUser(redis.url),
    catalog: `file:${catalogFile}`,
    storage: toStorageUrl(app.settings.storage),
  };
}

function toStorageUrl(storage: Settings["storage"]): string {
  if (storage.kind === "directory") return `file:${storage.path}`;
  return `s3://${[storage.bucket, storage.prefix].filter((part) => part !== "").join("/")}`;
}

// a password is nothing for a document that is kept
function withoutUser(text: string): string {
  const { protocol, host, pathname } = new URL(text);
  return `${protocol}//${host}${pathname === "/" ? "" : pathname}`;
}

/** Resolves when the first signal's stop is complete, to whether it was clean; each further signal ends the wait for calls. */
function whenStopped(starting: Promise<Stack>, abort: () => void): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  let signals = 0;
  const onSignal = () => {
    signals += 1;
    if (signals > 2) process.exit(EXIT.interrupted);
    if (signals === 1) {
      writeError("Stopping: waiting for in-flight calls; signal again to stop now");
      abort();
    }
    void starting.then((stack) => stack.close()).then(resolve, reject);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, onSignal);
  // a start that fails reports itself
  promise.catch(() => undefined);
  return promise;
}

// What commands share: where results and remarks go, how a run is interrupted, how an app is opened and closed.
import type { App } from "../app/app.ts";
import type { PrepareOptions } from "../app/installation.ts";
import type { Settings } from "../app/settings.ts";
import { toSafeStyledText, toSafeText } from "../domain/terminal-text.ts";

/** How a command ended, as the exit code of the process. */
export const EXIT = { done: 0, failed: 1, wrongUse: 2, interrupted: 130 } as const;

/** A result, on stdout. What could steer a terminal is escaped, also in a pipe: its other end is often one. */
export function writeOutput(line: string): void {
  process.stdout.write(`${toSafeText(line)}\n`);
}

/** The same for a line with colours of ours. */
export function printStyled(line: string): void {
  process.stdout.write(`${toSafeStyledText(line)}\n`);
}

/** One JSON document, on stdout. */
export function printJson(value: unknown): void {
  writeOutput(JSON.stringify(value));
}

/** A remark for a person, on stderr. */
export function writeError(line: string): void {
  process.stderr.write(`${toSafeText(line)}\n`);
}

/** A line on stdout; waits for a reader that is slower than we are, so that a long list is never held in memory. */
export function writeWithBackpressure(line: string): Promise<void> {
  return writeChunk(`${toSafeText(line)}\n`);
}

/** The same for text or bytes of a file: as they are, unless a terminal would read them. */
export async function writeSlowly(chunk: string | Uint8Array): Promise<void> {
  return writeChunk(process.stdout.isTTY && typeof chunk === "string" ? toSafeText(chunk) : chunk);
}

async function writeChunk(chunk: string | Uint8Array): Promise<void> {
  if (process.stdout.write(chunk)) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  process.stdout.once("drain", resolve);
  await promise;
}

/** Aborted by the first Ctrl-C or SIGTERM. The second one calls `hurry`; where there is none, and at the third, the process ends. */
export function interruptSignal(hurry?: () => void): AbortSignal {
  const controller = new AbortController();
  let left = hurry === undefined ? 1 : 2;
  const onSignal = () => {
    if (left === 0) process.exit(EXIT.interrupted);
    left -= 1;
    if (controller.signal.aborted) hurry?.();
    else controller.abort();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, onSignal);
  return controller.signal;
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}

/** How this program is called from where it stands: in a checkout there is no command of its name. */
export function commandName(): string {
  const installed = /[\\/]node_modules[\\/]/.test(import.meta.filename);
  return installed ? "npx asset-archiver" : "npm run --silent archiver --";
}

export interface WithAppOptions {
  settings?: Settings;
  level?: Settings["logLevel"];
  /** For commands that make a catalog where there is none. All others refuse without one. */
  prepare?: PrepareOptions;
  /** For commands that write into the store or delete there: it must be this installation's. */
  ownStore?: boolean;
  /** For commands that say by themselves that there is no catalog yet. */
  saysAbsence?: boolean;
}

// an installation that has not begun is empty; where something stands in the store or in Redis, opening the catalog fails
async function noteAbsence(app: App, { saysAbsence = false }: WithAppOptions): Promise<void> {
  const absent = await app.findCatalog();
  if (absent?.isNew && !saysAbsence) writeError(absent.error.message);
}

/** Opens an app for one command, runs it and closes it, whatever happens. Commands are quiet unless they are told not to be. */
export async function withApp(use: (app: App) => Promise<number>, options: WithAppOptions = {}): Promise<number> {
  // loaded here and not above: what a --help can do without
  const settings = options.settings ?? (await import("../app/settings.ts")).readSettings();
  const [{ createApp }, { createLog }] = await Promise.all([import("../app/app.ts"), import("../app/log.ts")]);
  const app = createApp({ settings, log: createLog({ level: options.level ?? "error" }), createCatalog: false });
  try {
    if (options.prepare !== undefined) await app.prepare(options.prepare);
    else await noteAbsence(app, options);
    if (options.ownStore) await app.requireOwnStore();
    return await use(app);
  } finally {
    await app.close();
  }
}

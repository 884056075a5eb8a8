// Logs: JSON lines for machines, readable lines on a terminal; always on stderr, since results go to stdout.
// Nothing in them steers a terminal: a line may quote a prompt, an API or a store.
import { createRequire } from "node:module";
import { type DestinationStream, type Logger, pino } from "pino";
import type { PrettyOptions } from "pino-pretty";
import { toSafeText, toSafeValue } from "../domain/terminal-text.ts";
import type { Settings } from "./settings.ts";

/** A logger at the level of LOG_LEVEL. Levels are named, times are ISO 8601. */
export function createLog({ level }: { level: Settings["logLevel"] }): Logger {
  const formatters = { level: (label: string) => ({ level: label }) };
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters };
  const stderr = pino.destination({ dest: 2, sync: true });
  const toText = process.stderr.isTTY ? createReadable() : toSafeText;
  const safe: DestinationStream = { write: (line) => void stderr.write(toText(line)) };
  return pino(options, safe);
}

/** From a JSON line to a readable one with colours. */
export function createReadable(options: PrettyOptions = {}): (line: string) => string {
  // loaded where it is used: most commands run in a pipe, or log nothing
  const { prettyFactory } = createRequire(import.meta.url)("pino-pretty") as typeof import("pino-pretty");
  const toReadable = prettyFactory({ translateTime: "SYS:HH:MM:ss", ignore: "pid,hostname", ...options });
  // made safe inside the line: the colours of the readable one are ours
  return (line) => toReadable(toSafeValue(JSON.parse(line)));
}

// Logs: JSON lines for machines, readable lines on a terminal; always on stderr, since results go to stdout.
import { type Logger, pino } from "pino";
import type { Settings } from "./config.ts";

/** A logger at the level of LOG_LEVEL. */
export function createLog({ level }: { level: Settings["logLevel"] }): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (!process.stderr.isTTY) return pino(options, pino.destination({ dest: 2, sync: true }));
  const transport = pino.transport({
    target: "pino-pretty",
    options: { destination: 2, translateTime: "SYS:HH:MM:ss", ignore: "pid,hostname" },
  });
  return pino(options, transport);
}

// The demo after its pictures are there: says how to ask for more from another terminal, and tells what comes of it.
import { relative } from "node:path";
import type { RequestDetail } from "../../domain/records.ts";
import { isTerminal } from "../../pipeline/archive.ts";
import { plain, style } from "../text.ts";
import type { Demo } from "./stage.ts";

/** The settings that other commands need to find this demo. */
const SHOWN = ["REDIS_URL", "QUEUE_PREFIX", "CATALOG_URL", "STORAGE_URL"];

/** What to type in another terminal. `command` is how this program is called there. */
export function toInvitation({ environment, redis }: Pick<Demo, "environment" | "redis">, command: string): string[] {
  const exports = SHOWN.map((name) =>
    name === "REDIS_URL" ? toRedisLine(redis) : `  export ${name}='${environment[name]}'`,
  );
  return [
    "",
    "Worker and sandbox go on until Ctrl-C. To ask for more, in another terminal in this folder:",
    "",
    ...exports.map((line) => style("cyan", line)),
    style("cyan", `  ${command} enqueue "a lighthouse in the fog" --n 2 --wait`),
    style("cyan", `  ${command} catalog list --limit 20`),
    "",
  ];
}

// a terminal is shared, recorded and scrolled back: no password appears on it
function toRedisLine({ url, passwordFile }: Demo["redis"]): string {
  const { password, host } = new URL(url);
  if (password === "") return `  export REDIS_URL='${url}'`;
  if (passwordFile === undefined) return "  # and REDIS_URL as it is set here";
  return `  export REDIS_URL="redis://:$(cat '${relative(process.cwd(), passwordFile)}')@${host}"`;
}

/** The same settings without a password, for a document that is kept. */
export function withoutPassword(environment: Record<string, string>): Record<string, string> {
  const url = new URL(environment.REDIS_URL ?? "");
  if (url.password === "") return environment;
  url.password = "";
  return { ...environment, REDIS_URL: url.href };
}

export interface ListenerOptions {
  /** Ids that need no words any more. */
  told: Iterable<string>;
  tell(line: string): void;
}

/** Listens to the worker's steps and tells of each request that ends. */
export function createListener(demo: Demo, options: ListenerOptions): (requestId: string) => Promise<void> {
  const told = new Set(options.told);
  return async (requestId) => {
    const detail = await demo.app.catalog().find(requestId);
    if (detail === undefined || !isTerminal(detail.request.state) || told.has(requestId)) return;
    told.add(requestId);
    for (const line of toNews(demo, detail)) options.tell(line);
  };
}

function toNews(demo: Demo, { request, assets }: RequestDetail): string[] {
  const words = `${request.request_id}  ${plain(request.recipe?.prompt ?? "")}`;
  if (request.state === "archived")
    return [`${style("green", "✔")} ${words}`, ...assets.map(({ key }) => `    ${demo.locate(key)}`)];
  return [`${style("yellow", "✖")} ${words}  ${request.state}: ${plain(request.error?.message ?? "")}`];
}

// The thread on which a worker's writes are committed. While a commit waits for the disk, the writes that come meanwhile
// gather, and share the next one: the slower the disk, the larger the groups.
import { parentPort, workerData } from "node:worker_threads";
import type { Catalog } from "../../pipeline/ports.ts";
import type { Batches } from "../batches/batches.ts";
import { type CatalogOptions, type OpenCatalog, openCatalog } from "../catalog.ts";
import { type PlainError, toPlain } from "./plain-error.ts";

/** What can be asked of the thread: the pipeline's port, what upkeep writes, and the items of batches. */
export type RecorderWrites = Catalog &
  Pick<OpenCatalog, "acceptRows" | "beat" | "settleAllDeadCalls" | "indexTexts"> &
  Pick<Batches, "acceptEncoded">;

/** One write, as it is asked for. */
export interface RecorderRequest {
  id: number;
  method: keyof RecorderWrites;
  args: unknown[];
}

/** How one ended. */
export type RecorderReply = { id: number; value: unknown } | { id: number; error: PlainError };

const catalog = openCatalog(workerData as CatalogOptions);
const writes: RecorderWrites = { ...catalog, acceptEncoded: catalog.batches.acceptEncoded };
const underWay = new Set<Promise<void>>();
let told: RecorderReply[] = [];

parentPort?.on("message", (message: RecorderRequest[] | "close") => {
  if (message === "close") return void close();
  for (const asked of message) begin(asked);
});

function begin(asked: RecorderRequest): void {
  const ended = perform(asked).then(tell, (error) => tell({ id: asked.id, error: toPlain(error) }));
  underWay.add(ended);
  ended.finally(() => underWay.delete(ended));
}

async function perform({ id, method, args }: RecorderRequest): Promise<RecorderReply> {
  const write = writes[method] as (...args: unknown[]) => Promise<unknown>;
  return { id, value: await write(...args) };
}

// a group's writes end together: one message tells of all of them
function tell(end: RecorderReply): void {
  told.push(end);
  if (told.length === 1) setImmediate(send);
}

function send(): void {
  const group = told;
  told = [];
  if (group.length === 0) return;
  try {
    parentPort?.postMessage(group);
  } catch {
    // one of the values cannot be cloned: only who asked for it must not get it
    for (const end of group) sendAlone(end);
  }
}

function sendAlone(end: RecorderReply): void {
  try {
    parentPort?.postMessage([end]);
  } catch (error) {
    parentPort?.postMessage([{ id: end.id, error: toPlain(error) } satisfies RecorderReply]);
  }
}

async function close(): Promise<void> {
  catalog.close();
  await Promise.all(underWay);
  send();
  parentPort?.close();
}

// Starts threads, from sources and from what is built alike. What a thread does and how it is spoken to lives with it.
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";

export interface ThreadOptions {
  /** `import.meta.url` of the file that starts it. */
  beside: string;
  /** What the thread finds in `workerData`. */
  data?: unknown;
}

/** Starts the program `name` that stands beside its starter: `name.ts` in a checkout, `name.js` in the package. */
export function startThread(name: string, { beside, data }: ThreadOptions): Worker {
  const extension = beside.endsWith(".ts") ? "ts" : "js";
  if (extension === "ts") keepWasmCode();
  return new Worker(new URL(`./${name}.${extension}`, beside), { workerData: data });
}

// Node strips types by WebAssembly, on each thread for itself, and what V8 compiles for the calls out of it is shared by
// all threads. The V8 of Node 24 may free that for one thread just when another asks for it, and the process dies with
// SIGSEGV (WasmImportWrapperCache::MaybeGet; https://crbug.com/407003348). What is never freed cannot be asked for too
// late. What is built has no types to strip.
function keepWasmCode(): void {
  setFlagsFromString("--no-wasm-code-gc");
}

// Starts and ends the thread that moves commits from the write-ahead log into the catalog's file.
import { startThread } from "../../app/thread.ts";

/** A running checkpointer. Whoever started it closes it. */
export interface Checkpointer {
  close(): Promise<void>;
}

export interface CheckpointerOptions {
  /** How long it waits before it begins, in ms: who has just started has committed little, and has better things to load. */
  afterMs?: number;
}

/**
 * For processes that record for long. Moves what is committed to `file` from its log into it, beside whoever commits. By
 * itself SQLite does that within the commit that made the log long enough, and in a large catalog, where the rows of each
 * request lie in pages of their own, it takes a third of all the time of recording.
 */
export function startCheckpointer(file: string, { afterMs = 5_000 }: CheckpointerOptions = {}): Checkpointer {
  if (afterMs === 0) return { close: openThread(file) };
  let end = async () => clearTimeout(timer);
  const timer = setTimeout(() => {
    end = openThread(file);
  }, afterMs);
  return { close: () => end() };
}

function openThread(file: string): () => Promise<void> {
  const thread = startThread("checkpoint-thread", { beside: import.meta.url, data: { file } });
  const exited = new Promise<void>((resolve) => thread.once("exit", () => resolve()));
  return async () => {
    thread.postMessage("close");
    await exited;
  };
}

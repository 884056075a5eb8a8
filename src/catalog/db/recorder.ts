// The pipeline's port with its writes on a thread of their own, so that no commit ever holds up the event loop, on which
// the calls, the copies and the locks of all jobs live. Reads stay here: they see what is committed, and wait for nobody.
import { setImmediate as nextTurn } from "node:timers/promises";
import { startThread } from "../../app/thread.ts";
import { toMessage } from "../../domain/errors.ts";
import type { AnswerRecord } from "../../pipeline/ports.ts";
import type { CatalogOptions, OpenCatalog } from "../catalog.ts";
import { createBatchedAccept } from "../requests/accept-batched.ts";
import { fromPlain } from "./plain-error.ts";
import type { RecorderReply, RecorderRequest, RecorderWrites } from "./record-thread.ts";

/**
 * The port; whoever opened it closes it. With it go what upkeep writes while jobs run, which would have to wait for the
 * thread's commits here, and the items of batches, of which there are thousands at a time.
 */
export interface Recorder extends Omit<RecorderWrites, "acceptRows"> {
  /** Resolves when the thread has opened the catalog: before that, what is asked for waits. */
  ready(): Promise<void>;
  /** Commits what is under way and ends the thread. */
  close(): Promise<void>;
}

/** Starts the thread on the same file. `catalog` is the open one of this process; its worker id is the thread's too. */
export function openRecorder(catalog: OpenCatalog, options: Omit<CatalogOptions, "clock">): Recorder {
  const thread = openThread({ ...options, workerId: catalog.workerId });
  const remote = <Method extends RecorderRequest["method"]>(method: Method): RecorderWrites[Method] =>
    ((...args: unknown[]) => thread.ask(method, args)) as RecorderWrites[Method];
  const answerCall = remote("answerCall");
  return {
    find: catalog.find,
    holdOf: catalog.holdOf,
    countUnarchivedImages: remembering(catalog.countUnarchivedImages),
    accept: createBatchedAccept(remote("acceptRows"), thread.send),
    acceptFault: remote("acceptFault"),
    settleDeadCalls: remote("settleDeadCalls"),
    reuse: remote("reuse"),
    reserveCall: remote("reserveCall"),
    withdrawCall: remote("withdrawCall"),
    closeCall: remote("closeCall"),
    answerCall: (call, record) => answerCall(call, withoutBytes(record)),
    recordAsset: remote("recordAsset"),
    recordThumbnails: remote("recordThumbnails"),
    recordError: remote("recordError"),
    completePartially: remote("completePartially"),
    recordSpoolFile: remote("recordSpoolFile"),
    decodeAttempts: catalog.decodeAttempts,
    markDecoding: remote("markDecoding"),
    clearDecoding: remote("clearDecoding"),
    markSidecarWritten: remote("markSidecarWritten"),
    finish: remote("finish"),
    beat: remote("beat"),
    settleAllDeadCalls: remote("settleAllDeadCalls"),
    indexTexts: remote("indexTexts"),
    acceptEncoded: remote("acceptEncoded"),
    ready: async () => void (await thread.ask("countUnarchivedImages", [])),
    close: async () => {
      // what came within this turn is on its way
      await nextTurn();
      await thread.close();
    },
  };
}

/** How old the number of unarchived images may be, in ms. */
const COUNT_AGE_MS = 100;

// It decides how gently calls begin, for which it need not be new: the bound itself is kept where a call is reserved. And
// counting takes the longer the more is under way.
function remembering(count: () => Promise<number>): () => Promise<number> {
  let known: { images: Promise<number>; until: number } | undefined;
  return () => {
    if (known === undefined || performance.now() >= known.until)
      known = { images: count(), until: performance.now() + COUNT_AGE_MS };
    return known.images;
  };
}

// the bytes are in the spool by now, and would be copied from thread to thread for nothing
function withoutBytes(record: AnswerRecord): AnswerRecord {
  const { images, expires_at, complete, refused, answer } = record;
  return { images, expires_at, complete, refused: refused ?? null, answer: { ...answer, images: [] } };
}

interface Thread {
  ask(method: RecorderRequest["method"], args: unknown[]): Promise<unknown>;
  /** Sends what was asked for within this turn, now. */
  send(): void;
  close(): Promise<void>;
}

function openThread(options: CatalogOptions): Thread {
  const worker = startThread("record-thread", { beside: import.meta.url, data: options });
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let asked: RecorderRequest[] = [];
  let last = 0;
  // waking the thread costs more than most of what it is asked for: it is woken once for all that comes within one turn
  const send = () => {
    const group = asked;
    asked = [];
    if (group.length === 0) return;
    try {
      worker.postMessage(group);
    } catch {
      // one of them cannot be cloned: too deep, or not data at all. The others go on without it
      for (const one of group) sendAlone(one);
    }
  };
  const sendAlone = (one: RecorderRequest) => {
    try {
      worker.postMessage([one]);
    } catch (error) {
      waiting.get(one.id)?.reject(notSendable(one.method, error));
      waiting.delete(one.id);
    }
  };
  worker.on("message", (ends: RecorderReply[]) => {
    for (const end of ends) {
      const { resolve, reject } = waiting.get(end.id) ?? {};
      waiting.delete(end.id);
      if ("error" in end) reject?.(fromPlain(end.error));
      else resolve?.(end.value);
    }
  });
  // Without a listener for "error" a broken thread ends the process, and that is right: what is recorded stands, and the
  // next process goes on from it.
  const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  return {
    ask: (method, args) => {
      const ended = Promise.withResolvers<unknown>();
      waiting.set(++last, ended);
      asked.push({ id: last, method, args });
      if (asked.length === 1) setImmediate(send);
      return ended.promise;
    },
    send,
    close: async () => {
      send();
      worker.postMessage("close");
      await exited;
    },
  };
}

function notSendable(method: string, cause: unknown): Error {
  return new Error(`Cannot hand ${method} to the recording thread: ${toMessage(cause)}`, { cause });
}

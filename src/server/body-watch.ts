// Ends connections whose body does not come: each exchange has a time for its whole body, and after its answer only a moment for
// what nobody reads any more. Node's own requestTimeout would cut uploads that may take hours as well.
import type { IncomingMessage, ServerResponse } from "node:http";

/** A body must be whole by then, in ms: longer than who reads it waits, so that a caller is told where it can be told. */
const WHOLE_WITHIN_MS = 35_000;
/** An upload that may take its time must at least go on, in ms. */
const IDLE_MS = 10 * 60_000;
const EVERY_MS = 500;

interface Watched {
  incoming: IncomingMessage;
  outgoing: ServerResponse;
  /** When its body must be whole. */
  until: number;
  /** Of an upload: how much the connection had brought when it was last looked at. */
  bytes?: number;
  answered: boolean;
}

export interface BodyWatch {
  /** To be told of each exchange before anything else. */
  watch(incoming: IncomingMessage, outgoing: ServerResponse): void;
  stop(): void;
}

/** Uploads that were let in and may take as long as they like, as long as something comes. */
const uploads = new WeakSet<IncomingMessage>();

/** Lets a body take its time. Only for callers that were admitted. */
export function allowSlowBody(incoming: IncomingMessage): void {
  uploads.add(incoming);
}

export function createBodyWatch({ wholeWithinMs = WHOLE_WITHIN_MS, idleMs = IDLE_MS } = {}): BodyWatch {
  const watched = new Set<Watched>();
  const sweep = () => {
    const now = performance.now();
    for (const one of watched) if (isOver(one, { now, idleMs })) one.incoming.destroy();
  };
  const timer = setInterval(sweep, EVERY_MS).unref();
  return {
    watch(incoming, outgoing) {
      const { "content-length": length, "transfer-encoding": encoding } = incoming.headers;
      if (encoding === undefined && !(Number(length) > 0)) return;
      const one = { incoming, outgoing, until: performance.now() + wholeWithinMs, answered: false };
      watched.add(one);
      incoming.once("close", () => watched.delete(one));
    },
    stop: () => clearInterval(timer),
  };
}

function isOver(one: Watched, { now, idleMs }: { now: number; idleMs: number }): boolean {
  const { incoming, outgoing } = one;
  if (incoming.complete) return false;
  // between two looks the rest may come; after that nobody waits for it
  if (outgoing.writableFinished && one.answered) return true;
  one.answered = outgoing.writableFinished;
  if (!uploads.has(incoming)) return now > one.until;
  const { bytesRead } = incoming.socket;
  if (bytesRead !== one.bytes) Object.assign(one, { bytes: bytesRead, until: now + idleMs });
  return now > one.until;
}

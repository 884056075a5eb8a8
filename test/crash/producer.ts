// The producer: sends requests through our own door and straight to BullMQ, and remembers what was accepted.
import { setTimeout as delay } from "node:timers/promises";
import type { App } from "../../src/app/app.ts";
import { submit } from "../../src/app/submit.ts";
import { ArchiverError } from "../../src/domain/errors.ts";
import { requestIdOfJob } from "../../src/domain/request/request-id.ts";
import type { Dice } from "./dice.ts";
import { createRequests, type Sent } from "./requests.ts";

/** What a producer was promised, and when. `raw`: no more than Redis keeps until a worker sees it. */
export interface Accepted {
  id: string;
  raw: boolean;
  at: number;
}

/** What was refused, how long that took (ms), and whether the catalog holds it all the same. */
export interface Refused {
  id: string;
  raw: boolean;
  code: string;
  tookMs: number;
  stands: boolean;
}

export interface Producer {
  readonly accepted: readonly Accepted[];
  readonly refused: readonly Refused[];
  /** Sends so many, one after another, each again until it is accepted, as a patient producer does. */
  send(count: number): Promise<void>;
  /** Tries so many once. */
  knock(count: number): Promise<void>;
}

/** A patient producer comes back after this long, in ms, and gives up after so many tries. */
const AGAIN_MS = 250;
const TRIES = 80;

export function createProducer(options: { app: App; dice: Dice; mode: string }): Producer {
  const { app, dice } = options;
  const requests = createRequests(dice, options.mode);
  const accepted: Accepted[] = [];
  const refused: Refused[] = [];

  async function tryOnce(sent: Sent): Promise<boolean> {
    const { raw } = sent;
    const begun = Date.now();
    try {
      const id = raw ? await addRaw(app, sent) : (await submit(app, sent.data)).request.request_id;
      accepted.push({ id, raw, at: Date.now() });
      return true;
    } catch (error) {
      const tookMs = Date.now() - begun;
      const id = sent.data.request_id;
      const stands = (await app.catalog().find(id)) !== undefined;
      refused.push({ id, raw, code: error instanceof ArchiverError ? error.code : String(error), tookMs, stands });
      return false;
    }
  }

  return {
    accepted,
    refused,
    knock: async (count) => {
      for (let knocked = 0; knocked < count; knocked++) await tryOnce(requests.next());
    },
    send: async (count) => {
      for (let sent = 0; sent < count; sent++) {
        const next = requests.next();
        for (let tries = 0; tries < TRIES && !(await tryOnce(next)); tries++) await delay(AGAIN_MS);
      }
    },
  };
}

// as any BullMQ client would; most leave the id to us
async function addRaw(app: App, { data }: Sent): Promise<string> {
  const { generate } = await app.queues();
  const { request_id, ...anonymous } = data;
  const named = request_id.endsWith("0") || request_id.endsWith("5");
  const job = await generate.add("any name", named ? data : anonymous);
  return named ? request_id : requestIdOfJob(job.id ?? "", job.timestamp);
}

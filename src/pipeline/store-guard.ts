// No call is paid for an image that could not be kept: the store is proven by a probe before the first call of a process and
// after every trouble. One that cannot be written holds the fleet, as a refused key does, until a probe succeeds again.
import { ArchiverError, toMessage } from "../domain/errors.ts";
import type { Clock, Gate, Log, Store } from "./ports.ts";

/** Why the store cannot be written. */
export interface StoreError {
  code: string;
  message: string;
}

/** What all workers know about the store, kept beside the gate. */
export interface StoreHold {
  /** Holds all calls for `ms`, or until it is released. */
  holdStore(error: StoreError, ms: number): Promise<void>;
  releaseStore(): Promise<void>;
}

export interface StoreGuardOptions {
  gate: Gate & StoreHold;
  /** Writes, reads and deletes an object. Rejects where the store cannot be used. */
  probe(): Promise<void>;
  clock: Pick<Clock, "now">;
  log: Pick<Log, "error" | "info">;
}

export interface StoreGuard {
  /** The gate, which lets nobody through while the store is not proven. */
  gate: Gate;
  /** The same store; what fails there is trouble, after which it has to be proven again. */
  watch<S extends Pick<Store, "put">>(store: S): S;
  /** For upkeep: probes where there is something to find out. */
  check(): Promise<void>;
}

/** A store that failed its probe is tried again after this long, and holds the fleet a while longer than that, in ms. */
export const STORE_RETRY_MS = 5_000;
const HOLD_MS = 4 * STORE_RETRY_MS;
/** A success is believed for so long although there is new trouble, in ms: a probe for each failed copy would be a flood. */
const BELIEVED_MS = 2_000;

type State = { kind: "unproven" } | { kind: "proven" } | { kind: "failed"; error: StoreError; at: number };

export function createStoreGuard({ gate, probe, clock, log }: StoreGuardOptions): StoreGuard {
  let state: State = { kind: "unproven" };
  let provenAt = Number.NEGATIVE_INFINITY;
  let probing: Promise<void> | undefined;

  const prove = () => {
    probing ??= proveOnce().finally(() => {
      probing = undefined;
    });
    return probing;
  };

  async function proveOnce(): Promise<void> {
    try {
      await probe();
      if (state.kind === "failed") log.info({}, "the store can be written again: calls go on");
      state = { kind: "proven" };
      provenAt = clock.now();
      // a hold that Redis does not lift now ends by itself
      await gate.releaseStore().catch(() => undefined);
    } catch (thrown) {
      const error = toStoreError(thrown);
      if (state.kind !== "failed" || state.error.message !== error.message)
        log.error({ code: error.code }, `no calls are made while the store cannot be written: ${error.message}`);
      state = { kind: "failed", error, at: clock.now() };
      // what Redis does not hear now it hears with the next probe; this process holds anyway
      await gate.holdStore(error, HOLD_MS).catch(() => undefined);
    }
  }

  async function requireProven(): Promise<StoreError | undefined> {
    const isDue = state.kind === "unproven" || (state.kind === "failed" && clock.now() - state.at >= STORE_RETRY_MS);
    if (isDue || probing !== undefined) await prove();
    return state.kind === "failed" ? state.error : undefined;
  }

  return {
    gate: {
      ...gate,
      acquire: async (options) => {
        const error = await requireProven();
        if (error !== undefined) return { admitted: false, waitMs: STORE_RETRY_MS, reason: error.message };
        const leave = await gate.acquire(options);
        // another worker met trouble: this one looks for itself, and lifts the hold where it is over
        if (!leave.admitted && leave.held === "store" && clock.now() - provenAt >= BELIEVED_MS)
          state = { kind: "unproven" };
        return leave;
      },
    },
    watch: (store) => ({
      ...store,
      put: async (...args: Parameters<Store["put"]>) => {
        try {
          return await store.put(...args);
        } catch (error) {
          if (isStoreTrouble(error) && state.kind === "proven" && clock.now() - provenAt >= BELIEVED_MS)
            state = { kind: "unproven" };
          throw error;
        }
      },
    }),
    check: async () => {
      if (state.kind !== "proven") await prove();
    },
  };
}

function isStoreTrouble(error: unknown): boolean {
  return error instanceof ArchiverError && error.code.startsWith("store_");
}

function toStoreError(thrown: unknown): StoreError {
  const code = thrown instanceof ArchiverError ? thrown.code : "store_failed";
  return { code, message: toMessage(thrown) };
}

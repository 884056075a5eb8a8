// What must hold: no call while the store is not proven, one probe for all who ask, and calls again once it is.
import { expect, test } from "vitest";
import { ConfigError } from "../../src/domain/errors.ts";
import type { Gate, Store } from "../../src/pipeline/ports.ts";
import { createStoreGuard, STORE_RETRY_MS, type StoreError, type StoreHold } from "../../src/pipeline/store-guard.ts";

const options = { signal: new AbortController().signal };
const broken = new ConfigError("the bucket does not exist", { code: "store_no_bucket" });

function openGuard() {
  const seen = { now: 1_000_000, probes: 0, admitted: 0, held: [] as StoreError[], released: 0 };
  let trouble: Error | undefined;
  let elsewhere = false;
  const gate: Gate & StoreHold = {
    acquire: async () => {
      if (elsewhere) return { admitted: false, waitMs: 1, reason: "held", held: "store" };
      seen.admitted += 1;
      return { admitted: true };
    },
    release: async () => undefined,
    recordOutcome: async () => 0,
    holdStore: async (error) => void seen.held.push(error),
    releaseStore: async () => {
      elsewhere = false;
      seen.released += 1;
    },
  };
  const probe = async () => {
    seen.probes += 1;
    if (trouble !== undefined) throw trouble;
  };
  const guard = createStoreGuard({
    ...{ gate, probe, clock: { now: () => seen.now } },
    log: { info: () => undefined, error: () => undefined },
  });
  return {
    ...{ guard, seen },
    fail: (error?: Error) => {
      trouble = error;
    },
    holdElsewhere: () => {
      elsewhere = true;
    },
  };
}

test("the store is proven once before the first call, however many wait", async () => {
  const { guard, seen } = openGuard();
  const leaves = await Promise.all([1, 2, 3].map(() => guard.gate.acquire(options)));
  expect(leaves.every(({ admitted }) => admitted)).toBe(true);
  await guard.gate.acquire(options);
  expect(seen).toMatchObject({ probes: 1, admitted: 4 });
});

test("a store that cannot be written holds everybody with its reason, and is tried again after a pause", async () => {
  const { guard, seen, fail } = openGuard();
  fail(broken);
  const held = { admitted: false, waitMs: STORE_RETRY_MS, reason: broken.message };
  expect(await guard.gate.acquire(options)).toEqual(held);
  expect(await guard.gate.acquire(options)).toEqual(held);
  expect(seen).toMatchObject({ probes: 1, admitted: 0, held: [{ code: "store_no_bucket", message: broken.message }] });
  fail();
  seen.now += STORE_RETRY_MS;
  expect(await guard.gate.acquire(options)).toEqual({ admitted: true });
  expect(seen).toMatchObject({ probes: 2, released: 1 });
});

test("trouble with a put has the store proven again; what is no trouble of the store has not", async () => {
  const { guard, seen, fail } = openGuard();
  await guard.gate.acquire(options);
  seen.now += 10_000;
  const put = (error: Error) =>
    guard
      .watch<Pick<Store, "put">>({ put: () => Promise.reject(error) })
      .put("k", Buffer.alloc(0), { contentType: "", digest: "" })
      .catch((thrown: unknown) => thrown);
  expect(await put(new Error("a bug"))).toMatchObject({ message: "a bug" });
  await guard.gate.acquire(options);
  expect(seen.probes).toBe(1);
  fail(broken);
  expect(await put(broken)).toBe(broken);
  expect(await guard.gate.acquire(options)).toMatchObject({ admitted: false });
  expect(seen.probes).toBe(2);
});

test("a hold by another worker is looked into, and lifted where the store is well", async () => {
  const { guard, seen, holdElsewhere } = openGuard();
  await guard.gate.acquire(options);
  seen.now += 10_000;
  holdElsewhere();
  expect(await guard.gate.acquire(options)).toMatchObject({ admitted: false });
  expect(await guard.gate.acquire(options)).toEqual({ admitted: true });
  expect(seen.probes).toBe(2);
});

test("upkeep lifts a hold although no job waits", async () => {
  const { guard, seen, fail } = openGuard();
  fail(broken);
  await guard.check();
  fail();
  await guard.check();
  await guard.check();
  expect(seen).toMatchObject({ probes: 2, released: 1 });
});

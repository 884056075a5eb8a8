// Verifying: reads back what the catalog says is archived, and reports what is not so. Changes nothing in the store.
import { createHash } from "node:crypto";
import type { OpenCatalog } from "../catalog/catalog.ts";
import type { IntegrityRun } from "../catalog/integrity/proofs.ts";
import { ArchiverError, DECODE_INTERRUPTED, isImageVerdict, toMessage } from "../domain/errors.ts";
import type { Asset, AssetFault, ImageFacts } from "../domain/records.ts";
import { chunk, mapInOrder } from "../domain/streams.ts";
import type { InspectImage } from "../pipeline/image-ports.ts";
import type { Clock, Store } from "../pipeline/ports.ts";
import { withinReadBudget } from "../pipeline/read-budget.ts";
import { createPace } from "./pace.ts";
import { proveSidecar } from "./prove-sidecar.ts";
import { walkSidecars } from "./walk-sidecars.ts";

export interface VerifyDeps {
  catalog: OpenCatalog;
  store: Store;
  /** The second store, where there is one: what it was given is read back, too. */
  mirror?: Store | undefined;
  inspect: InspectImage;
  clock: Clock;
  signal: AbortSignal;
  onProgress(done: Checked): void;
}

export interface VerifyOptions {
  /** So many assets by chance, instead of all. */
  sample?: number | undefined;
  /** So many assets, the longest unproven, instead of all. */
  oldest?: number | undefined;
  /** Nothing new is begun after so many ms. The run stays open, and the next one goes on. */
  forMs?: number | undefined;
  /** At most so many assets in so many ms. */
  rate?: { max: number; durationMs: number } | undefined;
}

export interface Checked {
  assets: number;
  sidecars: number;
  findings: number;
}

/**
 * What is wrong with one key.
 * - an asset: `missing`, `corrupt`, `undecodable`, `misrecorded` (see AssetFault)
 * - `orphaned`: an image or a sidecar in the store that the catalog does not know
 * - `sidecar_missing`, `sidecar_differs`: of a request that the catalog knows
 * - `mirror_missing`, `mirror_corrupt`: the second copy of an image or a sidecar
 * - `mirror_unreadable`: the second store could not be read from this key on
 */
export interface Finding {
  kind: AssetFault | "orphaned" | "sidecar_missing" | "sidecar_differs" | MirrorFault;
  key: string;
  digest: string | null;
  request_id: string | null;
  reason: string;
}

type MirrorFault = "mirror_missing" | "mirror_corrupt" | "mirror_unreadable";

/** How a verification went. `complete` is false when it was cut short, and for samples. */
export interface Verified extends Checked {
  complete: boolean;
  /** Of how many assets there are. */
  of: number;
  found: Finding[];
}

const AT_ONCE = 8;
const GROUP = 64;
/** What was proven is on record after so many ms at most. */
const NOTE_EVERY_MS = 1_000;

/** Reads back all assets, the longest unproven first, then sidecars and the store's own names. */
export async function verify(parts: VerifyDeps, options: VerifyOptions = {}): Promise<Verified> {
  const { integrity } = parts.catalog;
  const whole = options.sample === undefined && options.oldest === undefined;
  const run = whole ? await integrity.startRun("verify") : undefined;
  const since = run?.started_at ?? parts.clock.now();
  const unproven = integrity.listUnproven({ since: whole ? since : Number.MAX_SAFE_INTEGER, sample: options.sample });
  const places = unproven.slice(0, options.oldest);
  const done: Verified = { assets: 0, sidecars: 0, findings: 0, complete: false, of: places.length, found: [] };
  const deadline = options.forMs === undefined ? Number.POSITIVE_INFINITY : parts.clock.now() + options.forMs;
  const inTime = await verifyAssets({ ...parts, done, whole }, { places, options, deadline });
  if (run === undefined || !inTime || !(await verifySidecars({ ...parts, done }, { run, deadline }))) return done;
  await findOrphans({ ...parts, done });
  done.complete = true;
  const { assets, sidecars, findings } = done;
  await integrity.endRun(run.run_id, { assets, sidecars, findings });
  return done;
}

type Run = VerifyDeps & { done: Verified };

async function verifyAssets(
  run: Run & { whole: boolean },
  { places, options, deadline }: { places: readonly number[]; options: VerifyOptions; deadline: number },
): Promise<boolean> {
  const { catalog, clock, signal } = run;
  const pace = createPace({ clock, rate: options.rate, signal });
  for (let at = 0; at < places.length; at += GROUP) {
    const group = catalog.integrity.assetsByIds(places.slice(at, at + GROUP));
    let proofs: Proof[] = [];
    let read = 0;
    let notedAt = clock.now();
    for await (const proof of mapInOrder(group, AT_ONCE, (asset) => proveInTurn(asset, { run, pace, deadline }))) {
      if (proof === undefined) continue;
      proofs.push(proof);
      read += 1;
      // at a slow pace a group takes minutes, and a kill must not cost them
      if (clock.now() - notedAt < NOTE_EVERY_MS) continue;
      await writeDown(run, proofs);
      proofs = [];
      notedAt = clock.now();
    }
    await writeDown(run, proofs);
    signal.throwIfAborted();
    await verifyMirrored(run, group.slice(0, read));
    if (read < group.length) return false;
  }
  return true;
}

async function writeDown(run: Run & { whole: boolean }, proofs: readonly Proof[]): Promise<void> {
  const { integrity } = run.catalog;
  note(run.done, proofs);
  await integrity.recordProofs(
    proofs.map(({ asset, fault }) => ({ digest: asset.digest, fault: fault?.kind ?? null })),
  );
  // a whole run looks at all sidecars later
  const digests = proofs.map(({ asset }) => asset.digest);
  if (!run.whole) for (const id of integrity.requestsWithSidecar(digests)) await verifySidecar(run, id);
  run.onProgress(run.done);
}

/** Reads back the second copies of these assets. */
async function verifyMirrored(run: Run, group: readonly Asset[]): Promise<void> {
  const { mirror, done, signal } = run;
  if (mirror === undefined || !isMirrorReadable(done)) return;
  const { integrity } = run.catalog;
  const copied = integrity.mirroredAmong(group.map(({ digest }) => digest));
  const lost: string[] = [];
  for await (const { asset, fault } of mapInOrder(
    group.filter(({ digest }) => copied.has(digest)),
    AT_ONCE,
    async (asset) => ({
      asset,
      fault: await withinReadBudget(asset.bytes, () => proveCopy(asset, { mirror, signal })),
    }),
  )) {
    if (fault === undefined || !isMirrorReadable(done)) continue;
    add(done, { ...fault, key: asset.key, digest: asset.digest, request_id: null });
    if (fault.kind !== "mirror_unreadable") lost.push(asset.digest);
  }
  await integrity.forgetMirrored({ digests: lost });
}

// one outage of the second store is one finding, and no reason to leave the first one unread
function isMirrorReadable({ found }: Verified): boolean {
  return !found.some(({ kind }) => kind === "mirror_unreadable");
}

type CopyFault = { kind: MirrorFault; reason: string } | undefined;

// the same bytes decode as those in the first store did
async function proveCopy(
  { key, digest }: Asset,
  { mirror, signal }: { mirror: Store; signal: AbortSignal },
): Promise<CopyFault> {
  try {
    const bytes = await mirror.get(key, { signal });
    if (bytes === undefined) return { kind: "mirror_missing", reason: "it is not in the mirror" };
    const found = createHash("sha256").update(bytes).digest("hex");
    if (found === digest) return undefined;
    return { kind: "mirror_corrupt", reason: `the mirror holds ${bytes.length} bytes with digest ${found}` };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: "mirror_unreadable", reason: `the mirror cannot be read: ${toMessage(error)}` };
  }
}

interface Turn {
  run: Run;
  pace: () => Promise<void>;
  deadline: number;
}

async function proveInTurn(asset: Asset, { run, pace, deadline }: Turn): Promise<Proof | undefined> {
  await pace();
  if (run.signal.aborted || run.clock.now() >= deadline) return undefined;
  return prove(asset, run);
}

interface Proof {
  asset: Asset;
  fault: { kind: AssetFault; reason: string } | undefined;
}

type ProveDeps = Pick<VerifyDeps, "store" | "inspect" | "signal">;

/** Reads one asset back. Throws only where the store cannot be read at all. */
export function prove(asset: Asset, deps: ProveDeps): Promise<Proof> {
  return withinReadBudget(asset.bytes, () => readBack(asset, deps));
}

async function readBack(asset: Asset, { store, inspect, signal }: ProveDeps): Promise<Proof> {
  const bytes = await store.get(asset.key, { signal });
  if (bytes === undefined) return { asset, fault: { kind: "missing", reason: "it is not in the store" } };
  const digest = createHash("sha256").update(bytes).digest("hex");
  if (digest !== asset.digest)
    return { asset, fault: { kind: "corrupt", reason: `the store holds ${bytes.length} bytes with digest ${digest}` } };
  try {
    return {
      asset,
      fault: findDifference(asset, { ...(await inspectPatiently(inspect, bytes)), bytes: bytes.length }),
    };
  } catch (error) {
    if (!isImageVerdict(error) && !isInterrupted(error)) throw error;
    return { asset, fault: { kind: "undecodable", reason: error.message } };
  }
}

// a decoder that ran out of time or memory beside others gets a second try alone: only then it says something
async function inspectPatiently(inspect: InspectImage, bytes: Buffer): Promise<ImageFacts> {
  try {
    return await inspect(bytes);
  } catch (error) {
    if (!isInterrupted(error)) throw error;
    return inspect(bytes, { exclusive: true });
  }
}

function isInterrupted(thrown: unknown): thrown is ArchiverError {
  return thrown instanceof ArchiverError && thrown.code === DECODE_INTERRUPTED;
}

function findDifference(asset: Asset, found: ImageFacts & { bytes: number }): Proof["fault"] {
  const wrong = (["bytes", "content_type", "width", "height"] as const).filter(
    (field) => asset[field] !== found[field],
  );
  if (wrong.length === 0) return undefined;
  const reason = wrong.map((field) => `${field} is ${found[field]}, recorded as ${asset[field]}`).join("; ");
  return { kind: "misrecorded", reason };
}

function note(done: Verified, proofs: readonly Proof[]): void {
  done.assets += proofs.length;
  for (const { asset, fault } of proofs)
    if (fault !== undefined) add(done, { ...fault, key: asset.key, digest: asset.digest, request_id: null });
}

function add(done: Verified, finding: Finding): void {
  done.found.push(finding);
  done.findings = done.found.length;
}

function verifySidecars(run: Run, of: { run: IntegrityRun; deadline: number }): Promise<boolean> {
  const { signal, clock, done } = run;
  return walkSidecars({
    integrity: run.catalog.integrity,
    run: of.run,
    look: async (id) => {
      signal.throwIfAborted();
      return verifySidecar(run, id);
    },
    isOver: () => {
      run.onProgress(done);
      signal.throwIfAborted();
      return clock.now() >= of.deadline;
    },
  });
}

/** Whether it is faulty. */
async function verifySidecar({ done, ...parts }: Run, requestId: string): Promise<boolean> {
  const proof = await proveSidecar(requestId, parts);
  if (proof === undefined) return false;
  done.sidecars += 1;
  if (proof.fault !== undefined) add(done, { ...proof.fault, key: proof.key, digest: null, request_id: requestId });
  const copyFault = await proveSidecarCopy(requestId, { done, ...parts });
  if (copyFault !== undefined) add(done, { ...copyFault, key: proof.key, digest: null, request_id: requestId });
  return proof.fault !== undefined || copyFault !== undefined;
}

/** The second copy of a sidecar, where it was given after the last change. */
async function proveSidecarCopy(requestId: string, { done, mirror, ...parts }: Run): Promise<CopyFault> {
  const { integrity } = parts.catalog;
  if (mirror === undefined || !isMirrorReadable(done) || !integrity.isSidecarMirrored(requestId)) return undefined;
  try {
    const proof = await proveSidecar(requestId, { ...parts, store: mirror });
    // a change that came meanwhile is copied later
    if (proof?.fault === undefined || !integrity.isSidecarMirrored(requestId)) return undefined;
    await integrity.forgetMirrored({ requests: [requestId] });
    if (proof.fault.kind === "sidecar_missing") return { kind: "mirror_missing", reason: "it is not in the mirror" };
    return { kind: "mirror_corrupt", reason: `in the mirror: ${proof.fault.reason}` };
  } catch (error) {
    parts.signal.throwIfAborted();
    return { kind: "mirror_unreadable", reason: `the mirror cannot be read: ${toMessage(error)}` };
  }
}

async function findOrphans(run: Run): Promise<void> {
  const { catalog, store, signal, done } = run;
  const orphaned = (key: string, what: string) =>
    add(done, { kind: "orphaned", key, digest: null, request_id: null, reason: `the catalog knows no such ${what}` });
  for await (const group of chunk(store.list("images/", { signal }), 500))
    for (const key of catalog.integrity.findUnknownKeys(group.map((object) => object.key))) orphaned(key, "image");
  for await (const group of chunk(store.list("requests/", { signal }), 500)) {
    const ids = group.map(({ key }) => ({
      key,
      id:
        key
          .split("/")
          .at(-1)
          ?.replace(/\.json$/, "") ?? "",
    }));
    const known = catalog.browse.states(ids.map(({ id }) => id));
    for (const { key, id } of ids) if (!known.has(id)) orphaned(key, "request");
  }
}

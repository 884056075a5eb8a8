// Repairing what a verification found. What is doubtful is set aside under quarantine/<run>/, never thrown away, and the
// whole run can be undone. Images are taken from the mirror, else from the provider's address while it lives.
import { createHash } from "node:crypto";
import type { OpenCatalog } from "../catalog/catalog.ts";
import { newRunId } from "../catalog/integrity/proofs.ts";
import { TransientError, toMessage } from "../domain/errors.ts";
import type { InspectImage } from "../pipeline/image-ports.ts";
import type { Clock, Downloader, Store } from "../pipeline/ports.ts";
import { toContentType } from "./mirror.ts";
import { proveSidecar } from "./prove-sidecar.ts";
import { rewriteSidecar } from "./retention.ts";
import { type Finding, prove } from "./verify.ts";

export interface RepairDeps {
  catalog: OpenCatalog;
  store: Store;
  mirror: Store | undefined;
  downloader: Pick<Downloader, "download">;
  inspect: InspectImage;
  clock: Pick<Clock, "now">;
  signal: AbortSignal;
}

/** What was done about one finding. */
export interface Repaired extends Finding {
  /** Where good bytes came from, or what else was done; null: nothing could be done. */
  by: "mirror" | "store" | "provider" | "remade" | "catalog" | "quarantine" | null;
  /** Where the doubtful bytes lie now. */
  quarantined: string | null;
  /** Why it stays as it is, and what would help. */
  left: string | null;
  /** Every place that could have a good copy answered that it has none: only then may it be paid for again. */
  lost?: true;
  /** The request by which it was made again of its recipe. It stands beside what was lost, and never in its place. */
  remade_as?: string;
}

export interface RepairRun {
  run_id: string;
  repaired: Repaired[];
}

/** Where a key is set aside by a run. */
function quarantineKey(runId: string, key: string): string {
  return `quarantine/${runId}/${key}`;
}

/** Repairs what can be repaired, finding by finding. `onBegin` is told the run before anything is touched. */
export async function repair(
  parts: RepairDeps & { onBegin?: (runId: string) => void },
  findings: readonly Finding[],
): Promise<RepairRun> {
  const run_id = newRunId(parts.clock.now());
  const run = { ...parts, runId: run_id };
  parts.onBegin?.(run_id);
  const repaired: Repaired[] = [];
  for (const finding of findings) {
    parts.signal.throwIfAborted();
    try {
      repaired.push(await repairOne(run, finding));
    } catch (error) {
      parts.signal.throwIfAborted();
      repaired.push({ ...finding, by: null, quarantined: null, left: toMessage(error) });
    }
  }
  return { run_id, repaired };
}

type Run = RepairDeps & { runId: string };

function repairOne(run: Run, finding: Finding): Promise<Repaired> {
  switch (finding.kind) {
    case "missing":
    case "corrupt":
      return repairImage(run, finding);
    case "sidecar_missing":
    case "sidecar_differs":
      return repairSidecar(run, finding);
    case "mirror_missing":
    case "mirror_corrupt":
      return repairCopy(run, finding);
    case "mirror_unreadable":
      return Promise.resolve(leave(finding, "check MIRROR_URL with asset-archiver doctor, and verify again"));
    case "orphaned":
      return setOrphanAside(run, finding);
    case "misrecorded":
      return correct(run, finding);
    case "undecodable":
      return Promise.resolve({
        ...leave(
          finding,
          "its bytes are those that were archived; make it again with: catalog verify --repair --remake",
        ),
        lost: true,
      });
  }
}

async function repairImage(run: Run, finding: Finding): Promise<Repaired> {
  const { catalog, store, signal } = run;
  const asset = catalog.browse.asset(finding.digest ?? "");
  if (asset === undefined) return leave(finding, "the catalog does not know it any more");
  // it may have been mended since it was found: by a retry, or by another run
  if ((await prove(asset, run)).fault === undefined) {
    await catalog.integrity.recordProofs([{ digest: asset.digest, fault: null }]);
    return { ...finding, by: "catalog", quarantined: null, left: null };
  }
  // good bytes come first: without them the doubtful ones are still set aside, and the key is free
  const good = await findGoodBytes(run, asset);
  const quarantined = await setAside(run, asset.key);
  if (good === undefined)
    return {
      ...leave(finding, "no copy was found; make it again with: catalog verify --repair --remake"),
      quarantined,
      lost: true,
    };
  if ("unreachable" in good)
    return {
      ...leave(
        finding,
        `${good.unreachable}; verify again when it can be reached: until then --remake does not pay for it`,
      ),
      quarantined,
    };
  const { content_type: contentType, digest } = asset;
  await store.put(asset.key, good.bytes, { contentType, digest, cacheControl: CACHE_CONTROL, signal });
  await catalog.integrity.recordProofs([{ digest, fault: null }]);
  return { ...finding, by: good.by, quarantined, left: null };
}

const CACHE_CONTROL = "public, max-age=31536000, immutable";

interface GoodBytes {
  by: "mirror" | "provider";
  bytes: Buffer;
}

/** A place that may hold a copy did not answer: the image is not lost yet, and is not paid for again. */
interface Unreachable {
  unreachable: string;
}

async function findGoodBytes(
  run: Run,
  asset: { digest: string; key: string },
): Promise<GoodBytes | Unreachable | undefined> {
  const { mirror, catalog, downloader, signal } = run;
  const isGood = (bytes: Buffer | undefined) => bytes !== undefined && sha256(bytes) === asset.digest;
  const silent: string[] = [];
  const copy = await mirror?.get(asset.key, { signal }).catch((error: unknown) => {
    silent.push(`the mirror did not answer: ${toMessage(error)}`);
    return undefined;
  });
  signal.throwIfAborted();
  if (copy !== undefined && isGood(copy)) return { by: "mirror", bytes: copy };
  for (const url of catalog.integrity.liveUrls(asset.digest)) {
    const bytes = await downloader.download(url, { signal }).catch((error: unknown) => {
      if (isSilence(error))
        silent.push(`the provider did not answer, and its address is still alive: ${error.message}`);
      return undefined;
    });
    signal.throwIfAborted();
    if (bytes !== undefined && isGood(bytes)) return { by: "provider", bytes };
  }
  return silent.length === 0 ? undefined : { unreachable: [...new Set(silent)].join("; ") };
}

// a provider that answers that it has nothing has no copy; one that does not answer, or not to the end, may have one
function isSilence(error: unknown): error is TransientError {
  return error instanceof TransientError && !NO_COPY.has(error.code);
}

const NO_COPY: ReadonlySet<string> = new Set(["download_gone", "download_empty"]);

// from the first store, whose copy was proven or repaired just before; the spoilt one is set aside in the mirror
async function repairCopy(run: Run, finding: Finding): Promise<Repaired> {
  const { mirror, store, catalog, clock, signal } = run;
  if (mirror === undefined) return leave(finding, "MIRROR_URL is not set");
  const { key, digest, request_id } = finding;
  const at = clock.now();
  const bytes = await store.get(key, { signal });
  const isProven =
    bytes !== undefined &&
    (digest === null ? (await proveSidecar(request_id ?? "", run))?.fault === undefined : sha256(bytes) === digest);
  if (!isProven) return leave(finding, "the store has no good copy of it either");
  const quarantined = await setAside({ ...run, store: mirror }, key);
  const cacheControl = digest === null ? {} : { cacheControl: CACHE_CONTROL };
  await mirror.put(key, bytes, { contentType: toContentType(key), digest: sha256(bytes), ...cacheControl, signal });
  await catalog.integrity.noteMirrored({ digest, request_id, at });
  return { ...finding, by: "store", quarantined, left: null };
}

async function repairSidecar(run: Run, finding: Finding): Promise<Repaired> {
  const id = finding.request_id ?? "";
  // a row that was wrong has been corrected by now, and its sidecar was right all the time
  const isRight = (await proveSidecar(id, run))?.fault === undefined;
  if (isRight) return { ...finding, by: "catalog", quarantined: null, left: null };
  const quarantined = await setAside(run, finding.key);
  await rewriteSidecar(run, id);
  return { ...finding, by: "catalog", quarantined, left: null };
}

// between a put and its row an image looks like an orphan: only without workers it is one
async function setOrphanAside(run: Run, finding: Finding): Promise<Repaired> {
  if (run.catalog.listLiveWorkers().length > 0)
    return leave(finding, "workers live, and one of them may be about to record it; stop them first");
  if (run.catalog.integrity.findUnknownKeys([finding.key]).length === 0)
    return leave(finding, "the catalog knows it by now");
  return { ...finding, by: "quarantine", quarantined: await setAside(run, finding.key), left: null };
}

async function correct(run: Run, finding: Finding): Promise<Repaired> {
  const asset = run.catalog.browse.asset(finding.digest ?? "");
  const bytes = await run.store.get(finding.key, { signal: run.signal });
  if (asset === undefined || bytes === undefined) return leave(finding, "it is not there any more");
  const { content_type, width, height } = await run.inspect(bytes);
  const { digest, key } = asset;
  await run.catalog.integrity.correctAsset({ digest, key, bytes: bytes.length, content_type, width, height });
  return { ...finding, by: "catalog", quarantined: null, left: null };
}

function leave(finding: Finding, left: string): Repaired {
  return { ...finding, by: null, quarantined: null, left };
}

/** Moves what lies under a key into quarantine; undefined bytes need no moving. The copy is confirmed before the key is freed. */
async function setAside({ store, runId, signal }: Run, key: string): Promise<string | null> {
  const bytes = await store.get(key, { signal });
  if (bytes === undefined) return null;
  const aside = quarantineKey(runId, key);
  await store.put(aside, bytes, { contentType: toContentType(key), digest: sha256(bytes), signal });
  // somebody may have put good bytes there meanwhile: only what was copied may go
  const now = await store.get(key, { signal });
  if (now !== undefined && !now.equals(bytes))
    throw new TransientError(`it was changed by somebody while its copy was made; verify again`, { code: "changed" });
  await store.delete(key, { signal });
  return aside;
}

/** What undoing did with one key. */
export interface Undone {
  key: string;
  restored: boolean;
  reason: string | null;
}

/** Puts back what a run has set aside. Where a proven image is in its place by now, that one stays. */
export async function undoRepair(parts: Pick<RepairDeps, "store" | "signal">, runId: string): Promise<Undone[]> {
  const { store, signal } = parts;
  const prefix = quarantineKey(runId, "");
  const undone: Undone[] = [];
  for await (const { key: aside } of store.list(prefix, { signal })) {
    const key = aside.slice(prefix.length);
    const bytes = await store.get(aside, { signal });
    if (bytes === undefined) continue;
    const there = await store.get(key, { signal });
    if (there !== undefined && key.startsWith("images/") && key.includes(sha256(there))) {
      undone.push({ key, restored: false, reason: "a proven copy is in its place" });
      continue;
    }
    await store.put(key, bytes, { contentType: toContentType(key), digest: sha256(bytes), signal });
    await store.delete(aside, { signal });
    undone.push({ key, restored: true, reason: null });
  }
  return undone;
}

/** The runs that have something set aside, oldest first. */
export async function listRepairs({ store, signal }: Pick<RepairDeps, "store" | "signal">): Promise<string[]> {
  const runs = new Set<string>();
  for await (const { key } of store.list("quarantine/", { signal })) runs.add(key.split("/")[1] ?? "");
  return [...runs].toSorted();
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

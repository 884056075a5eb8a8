// `doctor --deep`: what must always be true, asked of everything there is: rows, objects, jobs, files in the spool.
import { createHash } from "node:crypto";
import { type App, createSpoolOf } from "../../app/app.ts";
import type { Breach } from "../../catalog/integrity/invariants.ts";
import { toMessage } from "../../domain/errors.ts";
import { sidecarKey } from "../../domain/keys.ts";
import type { Asset } from "../../domain/records.ts";
import { withinReadBudget } from "../../pipeline/read-budget.ts";
import { findLost } from "../../queue/reconcile.ts";
import { createProgress } from "../live-view.ts";
import { forEachAtOnce } from "./at-once.ts";
import { createFindings, type Finding, type Findings } from "./finding.ts";

/** The figures, as `--json` prints them. Null where a part could not be asked. */
export interface DeepFigures {
  requests: Record<string, number>;
  calls: Record<string, number>;
  assets: number;
  assets_missing: number;
  assets_corrupt: number;
  archived_incomplete: number;
  sidecars_missing: number;
  answered_calls_repeated: number;
  calls_of_dead_workers: number;
  unfinished_without_job: number | null;
  spool_files: number;
  spool_orphans: number;
  spool_lost: number;
}

/** Objects that are read at the same time; the bytes held are bounded by the read budget. */
const READS_AT_ONCE = 8;
const PAGE = 200;
const EXAMPLES_MAX = 5;

/** Checks the invariants of design: nothing is changed. Stops early when the signal comes. */
export async function checkDeep(app: App, signal: AbortSignal): Promise<{ findings: Finding[]; figures: DeepFigures }> {
  const findings = createFindings("deep");
  const { requests, calls } = app.catalog().counts();
  const rows = checkRows(app, findings);
  const store = await checkAssets(app, { findings, signal });
  const sidecars_missing = await checkSidecars(app, { findings, signal });
  const unfinished_without_job = await checkJobs(app, findings);
  const spool = await checkSpoolFiles(app, findings);
  return {
    findings: findings.list,
    figures: {
      requests: { ...requests },
      calls: { ...calls },
      ...store,
      ...rows,
      sidecars_missing,
      unfinished_without_job,
      ...spool,
    },
  };
}

interface Check {
  findings: Findings;
  signal: AbortSignal;
}

const BY_ITSELF = "a running worker mends this by itself; if it stays, report it";

function checkRows(app: App, findings: Findings) {
  const { incomplete, answered_calls_repeated, calls_of_dead_workers } = app.catalog().invariants();
  judge(findings, incomplete, {
    fine: "every archived request has all its images",
    broken: "archived requests lack images",
    advice: "report this with the catalog: it must never happen",
  });
  judge(findings, answered_calls_repeated, {
    fine: "no call was made again after it had been answered",
    broken: "calls were made although their request had been answered",
    advice: "report this with the catalog: it must never happen",
  });
  if (calls_of_dead_workers.number > 0) {
    findings.warning(`${describe(calls_of_dead_workers)} calls are out whose worker is dead`, {
      advice: "start a worker: it notes their outcome as unknown, and UNKNOWN_CALL_POLICY decides",
    });
  }
  return {
    archived_incomplete: incomplete.number,
    answered_calls_repeated: answered_calls_repeated.number,
    calls_of_dead_workers: calls_of_dead_workers.number,
  };
}

async function checkAssets(app: App, { findings, signal }: Check) {
  const missing: string[] = [];
  const corrupt: string[] = [];
  const progress = createProgress(process.stderr);
  let assets = 0;
  await forEachAtOnce(assetsOf(app), { atOnce: READS_AT_ONCE, signal }, async (asset) => {
    const state = await withinReadBudget(asset.bytes, () => readBack(app, asset, signal));
    assets += 1;
    if (state === "missing") missing.push(asset.key);
    if (state === "corrupt") corrupt.push(asset.key);
    progress.show(() => `${assets} images read back`);
  });
  progress.end();
  const advice = "restore them from a copy of the store, or make them again from their recipes";
  judge(findings, toBreach(missing), {
    fine: `all ${assets} images are in the store`,
    broken: "images are not in the store",
    advice,
  });
  judge(findings, toBreach(corrupt), {
    fine: "all of them have the right bytes",
    broken: "images have other bytes than the catalog says",
    advice,
  });
  return { assets, assets_missing: missing.length, assets_corrupt: corrupt.length };
}

function* assetsOf(app: App): Generator<Asset> {
  let after: number | undefined;
  for (;;) {
    const page = app.catalog().browse.assets({ after, limit: PAGE });
    yield* page.items;
    if (page.next === null) return;
    after = page.next;
  }
}

async function readBack(app: App, asset: Asset, signal: AbortSignal): Promise<"fine" | "missing" | "corrupt"> {
  const bytes = await app.store().get(asset.key, { signal });
  if (bytes === undefined) return "missing";
  const digest = createHash("sha256").update(bytes).digest("hex");
  return bytes.length === asset.bytes && digest === asset.digest ? "fine" : "corrupt";
}

async function checkSidecars(app: App, { findings, signal }: Check): Promise<number> {
  const missing: string[] = [];
  const archived = app.catalog().listRequests({ state: "archived" });
  await forEachAtOnce(archived, { atOnce: READS_AT_ONCE, signal }, async (request) => {
    const found = await app.store().head(sidecarKey(request), { signal });
    if (found === undefined) missing.push(request.request_id);
  });
  judge(findings, toBreach(missing), {
    fine: "every archived request has its sidecar",
    broken: "archived requests have no sidecar",
    advice: "the catalog cannot be rebuilt from the store without them; report this",
  });
  return missing.length;
}

async function checkJobs(app: App, findings: Findings): Promise<number | null> {
  try {
    const queues = await app.queues();
    const lost: string[] = [];
    for (const page of app.catalog().listUnfinished()) {
      const { lostCopies, lostCalls } = await findLost(queues, page);
      lost.push(...[...lostCopies, ...lostCalls].map(({ request_id }) => request_id));
    }
    const number = lost.length;
    if (number > 0)
      findings.warning(`${describe(toBreach(lost))} unfinished requests have no job`, { advice: BY_ITSELF });
    else findings.ok("every unfinished request has its job");
    return number;
  } catch (error) {
    findings.problem(`cannot compare catalog and queues: ${toMessage(error)}`, {
      setting: "REDIS_URL",
      advice: "see above",
    });
    return null;
  }
}

async function checkSpoolFiles(app: App, findings: Findings) {
  const names = new Set(await createSpoolOf(app.settings).list());
  const catalog = app.catalog();
  const orphans = [...names].filter((name) => catalog.isSpoolFileDone(name));
  const lost = catalog.invariants().spooled.filter((name) => !names.has(name));
  if (orphans.length > 0) {
    findings.warning(`${orphans.length} files in the spool are archived already`, {
      advice: "the next worker to start removes them",
    });
  }
  judge(findings, toBreach(lost), {
    fine: "all bytes that wait in the spool are there",
    broken: "files are gone from the spool (or lie on another machine)",
    advice: "run this where the worker runs",
  });
  return { spool_files: names.size, spool_orphans: orphans.length, spool_lost: lost.length };
}

interface Words {
  fine: string;
  broken: string;
  advice: string;
}

function judge(findings: Findings, breach: Breach, { fine, broken, advice }: Words): void {
  if (breach.number === 0) findings.ok(fine);
  else findings.problem(`${describe(breach)} ${broken}`, { advice });
}

function toBreach(examples: string[]): Breach {
  return { number: examples.length, examples };
}

function describe({ number, examples }: Breach): string {
  const shown = examples.slice(0, EXAMPLES_MAX).join(", ");
  return `${number} (${shown}${number > EXAMPLES_MAX ? ", …" : ""})`;
}

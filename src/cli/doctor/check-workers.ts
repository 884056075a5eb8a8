// Does a worker run, and do all of them run this version?
import type { App } from "../../app/app.ts";
import { getStatus } from "../../app/status.ts";
import { VERSION } from "../../app/version.ts";
import { noWorker } from "../../app/wait-reasons.ts";
import { catalogExists } from "../../catalog/db/migrate.ts";
import { ArchiverError } from "../../domain/errors.ts";
import type { WorkerView } from "../../output/report/status-view.ts";
import { createFindings, type Finding } from "./finding.ts";

/** Looks at the workers on record and at the jobs in their hands. A catalog that cannot be opened is another check's finding. */
export async function checkWorkers(app: App): Promise<Finding[]> {
  const findings = createFindings("workers");
  // asking must not make a catalog
  if (!catalogExists(app.settings.catalogFile)) {
    findings.warning("No worker has ever run on this catalog", { advice: "start one: asset-archiver worker" });
    return findings.list;
  }
  const status = await getStatus(app, () => undefined).catch((error: unknown) => {
    if (error instanceof ArchiverError) return undefined;
    throw error;
  });
  if (status === undefined) return findings.list;
  const { workers, last_worker_seen } = status;
  const alive = workers.filter((worker) => worker.alive);
  if (alive.length > 0) findings.ok(`${alive.length} running on ${listHosts(alive)}`);
  else {
    const message = noWorker(workers, { last_worker_seen, now: app.clock.now() }).replace(/: start one with.*$/, "");
    findings.warning(message, { advice: "start one: asset-archiver worker" });
  }
  const others = alive.filter(({ version }) => version !== VERSION);
  if (others.length > 0) {
    const versions = [...new Set(others.map(({ version }) => version || "an unknown version"))].join(", ");
    findings.warning(`${others.length} of them run ${versions}, and this is ${VERSION}`, {
      advice: "restart them with the same version",
    });
  }
  return findings.list;
}

function listHosts(workers: readonly WorkerView[]): string {
  return [...new Set(workers.map(({ host }) => host))].join(", ");
}

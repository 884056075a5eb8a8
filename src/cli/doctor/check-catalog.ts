// Is the catalog there, does it belong to these queues and this store, does it open, is it whole, and does it wait for the disk?
import type { App } from "../../app/app.ts";
import { isForeignInstallation } from "../../app/installation.ts";
import { inspectCatalog } from "../../catalog/integrity/health.ts";
import { toMessage } from "../../domain/errors.ts";
import { createFindings, type Finding, type Findings } from "./finding.ts";

/** Looks at the file of CATALOG_URL, and whether it belongs to the other places. */
export async function checkCatalog(app: App): Promise<Finding[]> {
  const findings = createFindings("catalog");
  const file = app.settings.catalogFile;
  try {
    const health = inspectCatalog(file);
    if (health === undefined) {
      await checkAbsence(app, findings);
      return findings.list;
    }
    const applied = health.migrated.length === 0 ? "" : `; applied ${health.migrated.join(", ")}`;
    findings.ok(`${file} opens, can be written, and is up to date${applied}`);
    if (health.faults.length === 0) findings.ok("is whole (quick_check)");
    else {
      findings.problem(`is damaged: ${health.faults.slice(0, 3).join("; ")}`, {
        setting: "CATALOG_URL",
        advice: "stop the workers, keep a copy of the file, and rebuild it from the store (catalog rebuild)",
      });
    }
    if (health.synchronousFull && health.journalMode === "wal")
      findings.ok("every commit waits for the disk (WAL, FULL)");
    else {
      findings.problem(`commits may be lost in a power cut (journal ${health.journalMode})`, {
        setting: "CATALOG_URL",
        advice: "put it on a disk of this machine that takes WAL",
      });
    }
    await checkInstallation(app, findings);
  } catch (error) {
    findings.problem(toMessage(error), { setting: "CATALOG_URL", advice: "name a file that this user may write" });
  }
  return findings.list;
}

async function checkAbsence(app: App, findings: Findings): Promise<void> {
  const { isNew, error } = await app.explainMissingCatalog();
  if (isNew) findings.ok(`there is none at ${app.settings.catalogFile} yet; the first command that needs one makes it`);
  else
    findings.problem(error.message, {
      setting: "CATALOG_URL",
      advice: "it is lost or misnamed: nothing may be bought until it is found, restored or rebuilt",
    });
}

async function checkInstallation(app: App, findings: Findings): Promise<void> {
  const id = app.catalog().installationId();
  if (id === undefined) return findings.ok("has no installation id yet; the next worker or server gives it one");
  // that one of them is away has been said above
  const looks = [app.requireOwnStore(), app.queues()];
  const foreign = (await Promise.allSettled(looks)).flatMap((look) =>
    look.status === "rejected" && isForeignInstallation(look.reason) ? [look.reason] : [],
  );
  for (const { message, faults } of foreign)
    findings.problem(message, {
      setting: faults[0]?.field ?? "CATALOG_URL",
      advice: "two catalogs must not share them",
    });
  if (foreign.length === 0) findings.ok(`belongs to installation ${id}, as queues and store do`);
}

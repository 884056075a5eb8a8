// Does the catalog open, is it whole, and does it wait for the disk?
import { inspectCatalog } from "../../catalog/integrity/health.ts";
import { toMessage } from "../../domain/errors.ts";
import { createFindings, type Finding } from "./finding.ts";

/** Looks at the file of CATALOG_URL. */
export function checkCatalog(file: string): Finding[] {
  const findings = createFindings("catalog");
  try {
    const health = inspectCatalog(file);
    if (health === undefined) {
      findings.ok(`there is none at ${file} yet; the first command that needs one makes it`);
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
  } catch (error) {
    findings.problem(toMessage(error), { setting: "CATALOG_URL", advice: "name a file that this user may write" });
  }
  return findings.list;
}

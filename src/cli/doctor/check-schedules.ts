// Can the next run of each schedule begin? Its manifest is read as a worker will read it; nothing is changed.
import { existsSync } from "node:fs";
import type { App } from "../../app/app.ts";
import { planSchedule } from "../../batches/schedule/plan.ts";
import { shownManifest } from "../../batches/schedule/set.ts";
import { toMessage } from "../../domain/errors.ts";
import type { Schedule } from "../../domain/schedule.ts";
import { createFindings, type Finding, type Findings } from "./finding.ts";

/** Reads the manifests of all schedules that are not paused. Without a catalog there are none. */
export async function checkSchedules(app: App, signal: AbortSignal): Promise<Finding[]> {
  const findings = createFindings("schedule");
  if (!existsSync(app.settings.catalogFile)) return [];
  for (const schedule of listSchedules(app)) {
    if (schedule.paused) findings.ok(`${schedule.name} is paused; its manifest was not read`);
    else await checkOne(app, { schedule, signal, findings });
  }
  return findings.list;
}

// a catalog that cannot be opened is a finding of its own
function listSchedules(app: App): Schedule[] {
  try {
    return app.catalog().schedules.list();
  } catch {
    return [];
  }
}

interface Check {
  schedule: Schedule;
  signal: AbortSignal;
  findings: Findings;
}

async function checkOne(app: App, { schedule, signal, findings }: Check): Promise<void> {
  const { name, strict } = schedule;
  const manifest = shownManifest(schedule.manifest);
  try {
    const { tally, faults } = await planSchedule(app, schedule, signal);
    if (faults.count === 0) {
      findings.ok(`${name}: ${manifest} has ${tally.items.toLocaleString("en")} items and no faults`);
      return;
    }
    const [first] = faults.shown;
    const where = first === undefined ? "" : `, the first on line ${first.line}: ${first.field}: ${first.message}`;
    const message = `${name}: ${manifest} has ${faults.count.toLocaleString("en")} faults${where}`;
    if (strict) findings.problem(message, { advice: `no run of a strict schedule begins; see plan ${manifest}` });
    else findings.warning(message, { advice: `runs go on without what is wrong; see plan ${manifest}` });
  } catch (error) {
    signal.throwIfAborted();
    const advice = `put the manifest there, or name another one: asset-archiver schedule set ${name} --manifest …`;
    findings.problem(`${name}: the next run cannot read its manifest: ${toMessage(error)}`, { advice });
  }
}

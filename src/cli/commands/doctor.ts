// `doctor`: is everything in order? Each finding names the setting that is wrong and what to do.
import type { Command } from "commander";
import type { App } from "../../app/app.ts";
import { catalogExists } from "../../catalog/db/migrate.ts";
import { checkApi } from "../doctor/check-api.ts";
import { checkCatalog } from "../doctor/check-catalog.ts";
import { checkDisk } from "../doctor/check-disk.ts";
import { checkRedis } from "../doctor/check-redis.ts";
import { checkSchedules } from "../doctor/check-schedules.ts";
import { checkSettings } from "../doctor/check-settings.ts";
import { checkMirror, checkStore } from "../doctor/check-store.ts";
import { checkWorkers } from "../doctor/check-workers.ts";
import { runInTime, type TimedCheck } from "../doctor/deadline.ts";
import { checkDeep, type DeepFigures } from "../doctor/deep.ts";
import { countLevels, type Finding, toFindingLines } from "../doctor/finding.ts";
import { EXIT, interruptSignal, printJson, printStyled, withApp, writeOutput } from "../io.ts";

const EXAMPLES = `
A probe object is written to the store and the mirror and deleted again; the API is asked for its models, which costs nothing.
--deep reads every image back and compares it with the catalog: it takes as long as that takes.
Exits 0 when there is no problem, 1 otherwise; warnings are no problem.

Examples:
  $ asset-archiver doctor
  $ asset-archiver doctor --json | jq -r '.findings[] | select(.level == "problem") | .setting'
  $ asset-archiver doctor --deep`;

interface Options {
  deep?: boolean;
  json?: boolean;
}

export function addDoctorCommand(program: Command, end: (code: number) => void): void {
  program
    .command("doctor")
    .description("check settings, Redis, store, image API, catalog and disk, and name the setting that is wrong")
    .option("--deep", "compare the whole catalog with store, queues and spool, too")
    .option("--json", "one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options) => end(await withApp((app) => runDoctor(app, options), { saysAbsence: true })));
}

async function runDoctor(app: App, options: Options): Promise<number> {
  const signal = interruptSignal();
  const { settings } = app;
  const checks: TimedCheck[] = [
    { subject: "redis", setting: "REDIS_URL", run: () => checkRedis(settings.redisUrl) },
    { subject: "store", setting: "STORAGE_URL", run: (inTime) => checkStore(app, inTime) },
    { subject: "mirror", setting: "MIRROR_URL", run: (inTime) => checkMirror(app, inTime) },
    { subject: "api", setting: "IMAGE_API_BASE_URL", run: (inTime) => checkApi(settings, inTime) },
    { subject: "catalog", setting: "CATALOG_URL", run: () => checkCatalog(app) },
    { subject: "disk", setting: "CATALOG_URL", run: () => checkDisk(settings) },
    { subject: "workers", setting: "REDIS_URL", run: () => checkWorkers(app) },
    { subject: "schedule", setting: "schedule set", run: (inTime) => checkSchedules(app, inTime) },
  ];
  let late = false;
  const findings: Finding[] = [];
  const tell = (found: readonly Finding[]) => {
    findings.push(...found);
    if (!options.json) found.flatMap(toFindingLines).forEach(printStyled);
  };
  tell(checkSettings(settings));
  for (const check of checks) {
    const checked = await runInTime(check, { signal });
    tell(checked.findings);
    late ||= checked.late;
    if (signal.aborted) return EXIT.interrupted;
  }
  const deep = options.deep ? await lookDeeper(app, { findings, signal }) : undefined;
  if (signal.aborted) return EXIT.interrupted;
  if (deep !== undefined) tell(deep.findings);
  const code = conclude(findings, { json: options.json, figures: deep?.figures });
  // what hangs would hold up the end of the process as well
  if (late) process.exit(code);
  return code;
}

// what cannot be opened cannot be compared: that has been said already
async function lookDeeper(
  app: App,
  { findings, signal }: { findings: readonly Finding[]; signal: AbortSignal },
): Promise<{ findings: Finding[]; figures?: DeepFigures }> {
  const closed = findings.some(
    ({ subject, level }) => level === "problem" && (subject === "catalog" || subject === "store"),
  );
  if (!closed && !catalogExists(app.settings.catalogFile))
    return {
      findings: [
        { subject: "deep", level: "ok", message: "there is nothing to compare yet", setting: null, advice: null },
      ],
    };
  if (!closed) return checkDeep(app, signal);
  const message = "catalog and store were not compared";
  const advice = "mend the problems above first";
  return { findings: [{ subject: "deep", level: "problem", message, setting: null, advice }] };
}

function conclude(
  findings: readonly Finding[],
  { json, figures }: { json: boolean | undefined; figures: DeepFigures | undefined },
): number {
  const counts = countLevels(findings);
  if (json) printJson({ ok: counts.problem === 0, counts, findings, ...(figures && { figures }) });
  else {
    const { ok, warning, problem } = counts;
    writeOutput(
      `\n${ok} in order, ${warning} ${warning === 1 ? "warning" : "warnings"}, ${problem} ${problem === 1 ? "problem" : "problems"}`,
    );
  }
  return counts.problem === 0 ? EXIT.done : EXIT.failed;
}

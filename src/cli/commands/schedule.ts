// `schedule`: manifests that are run again and again, at night.
import { type Command, Option } from "commander";
import type { App } from "../../app/app.ts";
import { describeFaultList } from "../../batches/manifest/faults.ts";
import { MANIFEST_FORMATS } from "../../batches/manifest/format.ts";
import { LIFTED } from "../../batches/run/limits.ts";
import { planSchedule, type SchedulePlan } from "../../batches/schedule/plan.ts";
import { listChanges, type ScheduleChange, type ScheduleFlags, toSchedule } from "../../batches/schedule/set.ts";
import { type ScheduleView, toScheduleView } from "../../batches/schedule/view.ts";
import { keepJobSchedulers, watchSchedules } from "../../batches/schedule/watch.ts";
import { toMessage } from "../../domain/errors.ts";
import type { Schedule } from "../../domain/schedule.ts";
import { formatMoney } from "../../domain/units.ts";
import { archivedText } from "../../output/report/batch-archived.ts";
import { collect } from "../catalog-filter.ts";
import { EXIT, interruptSignal, printJson, withApp, writeError, writeOutput } from "../io.ts";
import { NEW_CATALOG_OPTION, type NewCatalogFlag } from "../new-catalog.ts";
import { printPlan } from "../plan-text.ts";

const EXAMPLES = `
The manifest is read when the night begins, by whichever worker is there: a file must be where the workers are. At the end of
the window nothing new is started; what is left goes on when it opens again, and the next night takes it over. The budget is
that of each night.

Examples:
  $ asset-archiver schedule set nightly --cron "0 1 * * *" --tz Europe/Berlin --manifest s3://prompts/night.yaml \\
      --window 01:00-06:00 --budget "20 USD" --collection night
  $ asset-archiver schedule set nightly --budget "30 USD"
  $ asset-archiver schedule set nightly --window none
  $ asset-archiver schedule list
  $ asset-archiver schedule run nightly
  $ asset-archiver schedule pause nightly`;

type End = (code: number) => void;

interface Json {
  json?: boolean;
}

export function addScheduleCommand(program: Command, end: End): void {
  const schedule = program
    .command("schedule")
    .description("run manifests at night, again and again")
    .addHelpText("after", EXAMPLES);
  addSet(schedule, end);
  schedule
    .command("list")
    .description("all schedules: when they are due next, and how the last night went")
    .option("--json", "one line for each")
    .addHelpText("after", exampleOf("list"))
    .action(async ({ json }: Json) => end(await withApp(async (app) => list(app, json))));
  addVerb(schedule, { end, verb: "remove", about: "forget a schedule; its batches stay", act: remove });
  addVerb(schedule, { end, verb: "run", about: "begin a night now", act: runNow });
  addVerb(schedule, {
    end,
    verb: "pause",
    about: "begin no nights until it is resumed",
    act: (app, name) => pause(app, name, true),
  });
  addVerb(schedule, {
    end,
    verb: "resume",
    about: "on with the next night",
    act: (app, name) => pause(app, name, false),
  });
}

function addSet(schedule: Command, end: End): void {
  schedule
    .command("set")
    .description("make a schedule, or change what is named of one; none takes an optional setting away")
    .argument("<name>")
    .option(
      "--cron <line>",
      'when: minute, hour, day, month, weekday, such as "0 1 * * *"; required for a new schedule',
    )
    .option("--manifest <where>", "a file, s3://bucket/key or https://…; required for a new schedule")
    .option("--tz <zone>", "the time zone of the cron line and the window (default: this machine's)")
    .addOption(
      new Option("--format <format>", "found by name and content if left out").choices([...MANIFEST_FORMATS, LIFTED]),
    )
    .option("--collection <name>", "for items that name none")
    .option("--tag <tag>", "for items that have none; may be repeated", collect)
    .option("--window <from-to>", "start calls only in these hours, such as 01:00-06:00")
    .option("--budget <price>", 'never spend more in a night, such as "20 USD"; needs PRICE_PER_IMAGE, also at night')
    .option("--max-images <count>", "never call for more images in a night")
    .option("--webhook-url <url>", "told when a night has come to rest")
    .option("--strict", "enqueue nothing while something in the manifest is wrong (default: on without what is wrong)")
    .option("--no-strict", "on without what is wrong")
    .addOption(
      new Option(
        "--missed <how>",
        "a night on which no worker was there: run once when one is (late, the default), or left out",
      ).choices(["late", "skip", LIFTED]),
    )
    .option("--no-check", "do not read the manifest now, such as one that is written later")
    .option(...NEW_CATALOG_OPTION)
    .option("--json", "one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (name: string, flags: ScheduleFlags & NewCatalogFlag & Json & { check: boolean }) => {
      const prepare = { newCatalog: flags.newCatalog ?? false, checkStore: false };
      end(await withApp((app) => set(app, name, flags), { prepare }));
    });
}

function exampleOf(args: string): string {
  return `\nExamples:\n  $ asset-archiver schedule ${args}`;
}

interface Verb {
  end: End;
  verb: string;
  about: string;
  /** Resolves to the line to print, or undefined where there is no such schedule. */
  act(app: App, name: string): Promise<string | undefined>;
}

function addVerb(schedule: Command, { end, verb, about, act }: Verb): void {
  schedule
    .command(verb)
    .description(about)
    .argument("<name>")
    .option("--json", "one JSON document")
    .addHelpText("after", exampleOf(`${verb} nightly`))
    .action(async (name: string, { json }: Json) =>
      end(
        await withApp(async (app) => {
          const line = await act(app, name);
          const schedule = app.catalog().schedules.find(name);
          if (line === undefined) writeError(`There is no schedule "${name}"; see: asset-archiver schedule list`);
          else if (json) printJson(schedule === undefined ? { name } : toScheduleView(app, schedule));
          else writeOutput(line);
          return line === undefined ? EXIT.failed : EXIT.done;
        }),
      ),
    );
}

async function set(app: App, name: string, flags: ScheduleFlags & Json & { check: boolean }): Promise<number> {
  const before = app.catalog().schedules.find(name);
  const setting = toSchedule(app, name, flags);
  const plan = flags.check ? await planSchedule(app, setting, interruptSignal()) : undefined;
  const wrong = plan?.faults.count ?? 0;
  if (plan !== undefined) for (const line of describeFaultList(plan.name, plan.faults)) writeError(line);
  if (wrong > 0 && setting.strict) {
    writeError(`${name} is not set: ${counted(wrong)}, and it is strict, so that no night would begin`);
    return EXIT.failed;
  }
  const schedule = await app.catalog().schedules.set(setting);
  await tellRedis(() => keepJobSchedulers(app));
  const changes = listChanges(before, setting);
  if (flags.json)
    printJson({ ...toScheduleView(app, schedule), changes, plan: plan === undefined ? null : toJson(plan) });
  else {
    show(app, schedule);
    for (const line of changeLines(before !== undefined, changes)) writeOutput(line);
    if (plan !== undefined) printPlan(plan.name, plan);
  }
  if (wrong > 0) writeError(`${name} is set; ${counted(wrong)}: a night goes on without what is wrong`);
  return wrong > 0 ? EXIT.failed : EXIT.done;
}

function toJson({ name: manifest, tally, work, forecast, faults }: SchedulePlan) {
  const { calls, images } = work;
  return { manifest, ...tally, calls, images, ...forecast, fault_count: faults.count, faults: faults.shown };
}

function changeLines(isKnown: boolean, changes: readonly ScheduleChange[]): string[] {
  if (!isKnown) return [];
  if (changes.length === 0) return ["  nothing changed"];
  return changes.map(({ field, from, to }) => `  changed   ${field}: ${from ?? "none"} → ${to ?? "none"}`);
}

function counted(faults: number): string {
  return `${faults.toLocaleString("en")} ${faults === 1 ? "fault" : "faults"} in its manifest`;
}

function list(app: App, json = false): number {
  const all = app.catalog().schedules.list();
  for (const schedule of all) show(app, schedule, json);
  if (all.length === 0) writeError('There is no schedule yet; make one with "schedule set"');
  return EXIT.done;
}

async function remove(app: App, name: string): Promise<string | undefined> {
  if (!(await app.catalog().schedules.remove(name))) return undefined;
  await tellRedis(() => keepJobSchedulers(app));
  return `${name} is removed`;
}

async function runNow(app: App, name: string): Promise<string | undefined> {
  const called = await app.catalog().schedules.requestRun(name, app.clock.now());
  if (called === undefined) return undefined;
  await tellRedis(() => watchSchedules(app));
  return `${name}: a night begins as soon as a worker is there; see: asset-archiver schedule list`;
}

async function pause(app: App, name: string, paused: boolean): Promise<string | undefined> {
  if ((await app.catalog().schedules.pause(name, paused)) === undefined) return undefined;
  await tellRedis(() => keepJobSchedulers(app));
  return `${name} is ${paused ? "paused; a night that has begun goes on (bulk --pause holds it)" : "resumed"}`;
}

// it is on record: a Redis that is away hears of it from the workers
async function tellRedis(tell: () => Promise<void>): Promise<void> {
  await tell().catch((error) => writeError(`Recorded; Redis will hear of it from a worker (${toMessage(error)})`));
}

function show(app: App, schedule: Schedule, json = false): void {
  const view = toScheduleView(app, schedule);
  if (json) printJson(view);
  else for (const line of toLines(view)) writeOutput(line);
}

function toLines(view: ScheduleView): string[] {
  const { last } = view;
  const limits = [
    view.window,
    view.budget && formatMoney(view.budget),
    view.max_images === null ? null : `${view.max_images} images`,
  ];
  const given = limits.filter((limit) => limit !== null).join(", ");
  const batch = last?.batch;
  const night = batch ? `${batch.batch} ${batch.state}, archived ${archivedText(batch.archived)}` : "";
  return [
    `${view.name}  ${view.cron}  ${view.tz}${view.paused ? "  paused" : ""}`,
    `  manifest  ${view.manifest}${given === "" ? "" : `  (${given})`}`,
    ...(view.next === null ? [] : [`  next      ${view.next}`]),
    ...(last === null ? [] : [`  last      ${last.due}  ${last.state}  ${night}${last.error ?? ""}`]),
  ];
}

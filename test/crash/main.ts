// `npm run test:crash`: kills the real worker at every step and at random, breaks Redis, the store and the API, and shows
// that nothing accepted was lost and nothing answered was paid again. Exit 1 when a promise was broken.
import { parseArgs } from "node:util";
import { openArena } from "./arena.ts";
import { BACKLOG_BOUND } from "./backlog.ts";
import { checkArena, type Figures, type Report } from "./check.ts";
import {
  breakAll,
  breakRedis,
  breakStore,
  finishWithOneWorker,
  killAtPoints,
  killAtRandom,
  type Mode,
} from "./modes.ts";

const HELP = `Usage: npm run test:crash -- [options]

Kills the real worker at every named step and at random instants, kills and empties Redis, takes the store away, and all
at once; then compares the catalog, the store and the sandbox's bill.

Options:
  --mode <name>      points, random, redis, store or all (default: each in turn)
  --seed <number>    repeats a run: prompts, faults and kills (default: drawn, and shown)
  --requests <n>     requests for each mode (default 48, with --long 400)
  --rounds <n>       how often each mode does its worst (default 1, with --long 5)
  --long             the long form: hundreds of requests, several rounds
  --keep             leave the logs and the catalog behind, broken promise or not
  --json             one JSON document on stdout
  --help

Exit codes: 0 all promises kept, 1 a promise broken, 2 wrong use

Examples:
  $ npm run test:crash
  $ npm run test:crash -- --long --seed 7
  $ npm run test:crash -- --mode redis --requests 100 --rounds 3`;

interface Plan {
  run: Mode;
  persistence: "aof" | "none";
  s3: boolean;
  env?: Record<string, string>;
}

const PLANS: Record<string, Plan> = {
  points: { run: withOneWorkerAtTheEnd(killAtPoints), persistence: "aof", s3: false },
  random: { run: killAtRandom, persistence: "aof", s3: false },
  redis: { run: breakRedis, persistence: "aof", s3: false },
  store: { run: breakStore, persistence: "aof", s3: true, env: { MAX_UNARCHIVED_IMAGES: String(BACKLOG_BOUND) } },
  all: { run: breakAll, persistence: "aof", s3: true },
};

function withOneWorkerAtTheEnd(mode: Mode): Mode {
  return async (run) => {
    const kills = await mode(run);
    await finishWithOneWorker(run.arena);
    return kills;
  };
}

interface Options {
  modes: string[];
  seed: number;
  requests: number;
  rounds: number;
  keep: boolean;
  json: boolean;
}

async function main(args: string[]): Promise<number> {
  let options: Options | undefined;
  try {
    options = readOptions(args);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${HELP}\n`);
    return 2;
  }
  if (options === undefined) {
    process.stdout.write(`${HELP}\n`);
    return 0;
  }
  const reports: (Report & { mode: string; seconds: number })[] = [];
  for (const mode of options.modes) {
    const report = await runMode(mode, options);
    reports.push(report);
    if (!options.json) process.stdout.write(`${showFigures(mode, report)}\n`);
  }
  return conclude(reports, options);
}

function readOptions(args: string[]): Options | undefined {
  const { values } = parseArgs({
    args,
    options: {
      mode: { type: "string" },
      seed: { type: "string" },
      requests: { type: "string" },
      rounds: { type: "string" },
      long: { type: "boolean", default: false },
      keep: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  if (values.mode !== undefined && !Object.hasOwn(PLANS, values.mode)) {
    throw new Error(`Unknown mode "${values.mode}": wanted one of ${Object.keys(PLANS).join(", ")}`);
  }
  return {
    modes: values.mode === undefined ? Object.keys(PLANS) : [values.mode],
    seed: toWhole("seed", values.seed) ?? Math.floor(Math.random() * 1e6),
    requests: toWhole("requests", values.requests) ?? (values.long ? 400 : 48),
    rounds: toWhole("rounds", values.rounds) ?? (values.long ? 5 : 1),
    keep: values.keep,
    json: values.json,
  };
}

function toWhole(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d{1,9}$/.test(value)) throw new Error(`--${name} "${value}" does not fit: wanted a whole number`);
  return Number(value);
}

async function runMode(
  mode: string,
  { seed, requests, rounds, keep }: Options,
): Promise<Report & { mode: string; seconds: number }> {
  const plan = PLANS[mode] as Plan;
  const begun = Date.now();
  const seconds = () => Math.round((Date.now() - begun) / 100) / 10;
  const say = (line: string) => process.stderr.write(`${mode}, seed ${seed}, ${seconds()} s: ${line}\n`);
  const { run, ...place } = plan;
  const arena = await openArena({ ...place, mode, seed });
  const breaches: string[] = [];
  let broken = true;
  try {
    const kills = await run({ arena, extent: { requests, rounds }, breaches, say });
    const report = await checkArena(arena, kills);
    breaches.push(...report.breaches);
    broken = keep || breaches.length > 0;
    return { mode, figures: report.figures, breaches, seconds: seconds() };
  } finally {
    await arena.close({ keep: broken });
    if (broken) say(`logs and catalog are kept in ${arena.dir}`);
  }
}

const SHOWN: readonly (readonly [keyof Figures, string])[] = [
  ["accepted", "accepted"],
  ["archived", "archived"],
  ["failed", "failed with reason"],
  ["parked", "parked with reason"],
  ["lost", "lost"],
  ["calls", "calls"],
  ["answered_calls_repeated", "answered calls repeated"],
  ["recipes_bought_twice", "recipes bought twice"],
  ["unknown_calls", "unknown calls"],
  ["assets", "objects"],
  ["corrupt_objects", "corrupt objects"],
  ["rows_without_object", "catalog rows without object"],
  ["sidecars_missing", "sidecars missing"],
  ["lost_with_redis", "raw jobs gone with Redis"],
  ["refused", "refused while Redis was away"],
  ["kills", "kills"],
];

function showFigures(name: string, { figures, breaches, seconds }: Report & { seconds: number }): string {
  const line = SHOWN.map(([field, words]) => `${words} ${figures[field]}`).join(", ");
  return [`${name}: ${line} (${seconds.toFixed(1)} s)`, ...breaches.map((breach) => `  BROKEN: ${breach}`)].join("\n");
}

function conclude(reports: (Report & { mode: string; seconds: number })[], { seed, json }: Options): number {
  const names = SHOWN.map(([field]) => field);
  const sum = (field: keyof Figures) => reports.reduce((total, report) => total + report.figures[field], 0);
  const figures = Object.fromEntries(names.map((field) => [field, sum(field)])) as unknown as Figures;
  const breaches = reports.flatMap((report) => report.breaches);
  const seconds = reports.reduce((total, report) => total + report.seconds, 0);
  if (json) process.stdout.write(`${JSON.stringify({ seed, figures, breaches, seconds, modes: reports })}\n`);
  else process.stdout.write(`${showFigures(`all together, seed ${seed}`, { figures, breaches: [], seconds })}\n`);
  return breaches.length === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));

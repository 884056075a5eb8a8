// `npm run bench`: measures each case's subjects in turns within the same run, and prints the rows read off them.
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { nearest } from "../src/domain/request/nearest.ts";
import type { Case } from "./case.ts";
import { CASES } from "./cases.ts";
import { type Outcome, runCase } from "./run.ts";
import { toText } from "./table.ts";

const HELP = `npm run bench -- [case…] [--rounds N] [--json file] [--list]

Measures every case, or those named, and prints a table of ratios. What each figure means: bench/README.md`;

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: "string" },
      json: { type: "string" },
      list: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) console.log(`${HELP}\n\n${listing()}`);
  else if (values.list) console.log(listing());
  else await bench(choose(positionals), { rounds: toRounds(values.rounds), json: values.json });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}

async function bench(
  cases: readonly Case[],
  { rounds, json }: { rounds: number | undefined; json: string | undefined },
): Promise<void> {
  const outcomes: Outcome[] = [];
  for (const one of cases) outcomes.push(await runCase(one, { rounds }));
  console.log(toText(outcomes.flatMap(({ rows }) => rows)));
  for (const { name, rounds: done, note, failure } of outcomes) {
    if (note !== "" && failure === undefined)
      console.log(`${name}: ${done} ${done === 1 ? "round" : "rounds"}, ${note}`);
    if (failure !== undefined) console.log(`${name} failed: ${failure}`);
  }
  if (json !== undefined) {
    const about = { date: new Date().toISOString(), node: process.version, platform: process.platform };
    await writeFile(json, `${JSON.stringify({ ...about, cases: outcomes }, null, 2)}\n`);
  }
  if (outcomes.some(({ failure }) => failure !== undefined)) process.exitCode = 1;
}

function choose(names: readonly string[]): readonly Case[] {
  const known = CASES.map(({ name }) => name);
  for (const name of names.filter((name) => !known.includes(name))) {
    const meant = nearest(name, known);
    const hint = meant === undefined ? `wanted ${known.join(", ")}` : `did you mean "${meant}"?`;
    throw new Error(`Cannot measure "${name}": no such case; ${hint}`);
  }
  return names.length === 0 ? CASES : CASES.filter(({ name }) => names.includes(name));
}

function toRounds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,2}$/.test(text))
    throw new Error(`Cannot use --rounds "${text}": wanted a whole number from 1 to 999`);
  return Number(text);
}

function listing(): string {
  const width = Math.max(...CASES.map(({ name }) => name.length));
  return CASES.map(({ name, about }) => `${name.padEnd(width)}  ${about}`).join("\n");
}

// `npm run bench`: measures each case against its own baseline, in turns within the same run, and prints ratios.
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import type { Case } from "./case.ts";
import { CASES } from "./cases.ts";
import { openLab } from "./lab.ts";
import { type Round, type Row, toRow, toText } from "./table.ts";

const HELP = `npm run bench -- [case…] [--rounds 5] [--json file]

Cases: ${CASES.map((one) => one.name).join(", ")}`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string", default: "5" }, json: { type: "string" }, help: { type: "boolean" } },
});
if (values.help) console.log(HELP);
else await bench();

async function bench(): Promise<void> {
  const chosen = positionals.length === 0 ? CASES : CASES.filter((one) => positionals.includes(one.name));
  const rows: Row[] = [];
  for (const one of chosen) rows.push(await measureCase(one, Number(values.rounds)));
  console.log(toText(rows));
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(rows, null, 2)}\n`);
}

async function measureCase(one: Case, rounds: number): Promise<Row> {
  const lab = await openLab();
  try {
    const { ours, baseline } = await one.open(lab);
    const measured: Round[] = [];
    for (let round = 1; round <= rounds; round++) {
      // who goes first changes from round to round: what warms up or wears out meets both
      const first = round % 2 === 1 ? await ours() : undefined;
      const other = await baseline();
      measured.push({ ours: first ?? (await ours()), baseline: other });
      process.stderr.write(
        `${one.name} ${round}/${rounds}: ${measured.at(-1)?.ours.value.toFixed(1)} / ${other.value.toFixed(1)}\n`,
      );
    }
    return toRow(measured, one);
  } finally {
    await lab.close();
  }
}

// `ledger`: what was called and what it cost, by day and collection; and every call of which nobody knows the outcome.
import type { Command } from "commander";
import type { App } from "../../app/app.ts";
import type { LedgerFilter } from "../../catalog/calls/ledger.ts";
import { RejectedError } from "../../domain/errors.ts";
import { formatMoney, type Money, parseTime } from "../../domain/units.ts";
import {
  type Ledger,
  type LedgerFigures,
  type LedgerPrices,
  toLedger,
  toUnknownLine,
} from "../../output/report/ledger.ts";
import { EXIT, printJson, withApp, writeError, writeOutput, writeWithBackpressure } from "../io.ts";
import { plain, toTable } from "../text.ts";

const EXAMPLES = `
A call costs what it asked for, n × PRICE_PER_IMAGE when it was made: answered is spent, refused costs nothing, unknown is at
risk. What was answered from the catalog (images reused) is saved. Calls that were made without a price are valued at the
first PRICE_PER_IMAGE that a worker had, else at the present one, and counted. Days are in UTC. --unknown lists the calls whose outcome nobody knows, with what the provider's support needs to find them.

Examples:
  $ asset-archiver ledger
  $ PRICE_PER_IMAGE="0.02 USD" asset-archiver ledger --since 2026-11-01 --collection animals
  $ asset-archiver ledger --unknown --json > for-support.jsonl`;

interface Options {
  unknown?: boolean;
  collection?: string;
  since?: string;
  until?: string;
  json?: boolean;
}

export function addLedgerCommand(program: Command, end: (code: number) => void): void {
  program
    .command("ledger")
    .description("show the calls, what they cost, and the money at risk")
    .option("--unknown", "list the calls of unknown outcome")
    .option("--collection <name>")
    .option("--since <date>", "from this day or time on, such as 2026-11-01 or 2026-11-01T06:00Z")
    .option("--until <date>", "before this day or time")
    .option("--json", "one JSON document; with --unknown a JSON line for each call")
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options) => end(await runLedger(options)));
}

function runLedger(options: Options): Promise<number> {
  const filter: LedgerFilter = {
    since: toTime("--since", options.since),
    until: toTime("--until", options.until),
    collection: options.collection,
  };
  return withApp((app) =>
    options.unknown ? listUnknown(app, filter, options.json) : showSums(app, filter, options.json),
  );
}

function toTime(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseTime(text);
  if (ms !== undefined) return ms;
  throw new RejectedError(`${flag}: wanted a day such as 2026-11-01, or a time, got "${text}"`, {
    code: "invalid_request",
  });
}

async function showSums(app: App, filter: LedgerFilter, json = false): Promise<number> {
  const { sums, reused } = app.catalog().ledger;
  const ledger = toLedger({ sums: sums(filter), reuses: reused(filter) }, pricesOf(app));
  if (json) {
    printJson(ledger);
    return EXIT.done;
  }
  if (ledger.days.length === 0) {
    writeError("No call has been made yet");
    return EXIT.done;
  }
  const rows = ledger.days.map((line) => [line.day, plain(line.collection), ...toCells(line)]);
  const total = ["total", "", ...toCells(ledger.total)];
  for (const line of toTable(COLUMNS, [...rows, total], process.stdout.columns)) writeOutput(line);
  for (const note of moneyNotes(ledger)) writeError(note);
  if (ledger.total.calls.unknown > 0) writeError("Calls of unknown outcome one by one: ledger --unknown");
  return EXIT.done;
}

const COLUMNS = [
  { title: "day" },
  { title: "collection", shrink: true },
  ...["answered", "refused", "unknown", "sent", "images", "spent", "at risk", "in flight", "reused", "saved"].map(
    (title) => {
      return { title, align: "right" as const };
    },
  ),
];

function toCells({ calls, images, reused, ...money }: LedgerFigures): string[] {
  const counts = [calls.answered, calls.refused, calls.unknown, calls.sent, images.answered];
  const { spent, at_risk, in_flight, saved } = money;
  return [...counts, ...[spent, at_risk, in_flight].map(show), reused.images, show(saved)].map(String);
}

function pricesOf(app: App): LedgerPrices {
  return { current: app.settings.pricePerImage, reference: app.catalog().ledger.referencePrice() };
}

function moneyNotes({ total, price_of_unpriced }: Ledger): string[] {
  const { unpriced, other_currencies: others = [] } = total;
  const notes = others.map(
    (other) =>
      `Besides: ${show(other.spent)} spent, ${show(other.at_risk)} at risk, ${show(other.in_flight)} in flight`,
  );
  if (unpriced === undefined) return notes;
  const calls = `${unpriced.calls} calls were made without a price`;
  if (price_of_unpriced) return [...notes, `${calls}; they are valued at ${formatMoney(price_of_unpriced)} an image`];
  return [...notes, `${calls}, and PRICE_PER_IMAGE is not set, so there is no money for them here`];
}

function show(money: Money | null): string {
  return money === null ? "-" : formatMoney(money);
}

async function listUnknown(app: App, filter: LedgerFilter, json = false): Promise<number> {
  const prices = pricesOf(app);
  let calls = 0;
  for (const call of app.catalog().ledger.unknown(filter)) {
    calls++;
    const line = toUnknownLine(call, prices);
    await writeWithBackpressure(json ? JSON.stringify(line) : toText(line));
  }
  if (calls === 0) writeError("There is no call of unknown outcome");
  return EXIT.done;
}

function toText(line: ReturnType<typeof toUnknownLine>): string {
  const { aspect_ratio, n, seed, steps, guidance_scale } = line;
  return [
    `${line.request_id}  call ${line.call}  sent ${line.sent_at}  given up ${line.ended_at ?? "-"}`,
    `  API request id ${line.api_request_id ?? "none"}, status ${line.http_status ?? "none"}, ${show(line.at_risk)} at risk`,
    `  ${line.error === null ? "no reason noted" : `${line.error.code}: ${plain(line.error.message)}`}`,
    ...(line.answer_file === null
      ? []
      : [`  what came is kept: ${line.answer_file}; read it again: retry ${line.request_id} --reread`]),
    `  ${line.model}, ${aspect_ratio}, n ${n}, seed ${seed}, steps ${steps}, guidance_scale ${guidance_scale}`,
    `  ${plain(line.prompt ?? "")}`,
  ].join("\n");
}

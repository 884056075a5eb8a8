// `catalog delete` and `catalog undelete`: a deletion is a wish with a time of grace, and leaves a tombstone.
import type { Command } from "commander";
import type { App } from "../../../app/app.ts";
import { RejectedError } from "../../../domain/errors.ts";
import { formatDuration, parseDuration } from "../../../domain/units.ts";
import { eraseDue } from "../../../maintenance/retention.ts";
import { EXIT, interruptSignal, printJson, withApp, writeError, writeOutput } from "../../io.ts";
import { sealNow } from "./edit.ts";

const EXAMPLES = `
From now on the requests answer no others and are in no list, search or export. After the grace a worker removes the
bytes that no other request shares; what was asked for, and how it was made, stays on record.

Examples:
  $ asset-archiver catalog delete fox-1 fox-2
  $ asset-archiver catalog delete fox-1 --grace 0s
  $ asset-archiver catalog undelete fox-1`;

const GRACE = "30d";

/** A worker that is just erasing is waited for so long, in ms. */
const ERASER_WAIT_MS = 5_000;

interface Options {
  grace?: string;
  json?: boolean;
}

export function addCatalogDelete(group: Command, end: (code: number) => void): void {
  group
    .command("delete")
    .description("let requests and their images go, after a time of grace")
    .argument("<request_id...>")
    .option("--grace <duration>", "so long it can be taken back", GRACE)
    .option("--json", "one JSON line for each request")
    .addHelpText("after", EXAMPLES)
    .action(async (ids: string[], options: Options) => end(await runDelete(ids, options)));
}

export function addCatalogUndelete(group: Command, end: (code: number) => void): void {
  group
    .command("undelete")
    .description("take deletions back, as long as the bytes are there")
    .argument("<request_id...>")
    .option("--json", "one JSON line for each request")
    .addHelpText("after", EXAMPLES)
    .action(async (ids: string[], options: Options) => end(await runUndelete(ids, options)));
}

function runDelete(ids: string[], options: Options): Promise<number> {
  const graceMs = parseDuration(options.grace ?? GRACE);
  if (graceMs === undefined)
    throw new RejectedError(`--grace: wanted a duration such as 30d, got "${options.grace}"`, {
      code: "invalid_request",
    });
  return withApp(async (app) => {
    await app.requireOwnStore();
    const signal = interruptSignal();
    const eraseAfter = app.clock.now() + graceMs;
    const { code, changed } = await each(ids, options, async (id) => app.catalog().edits.delete(id, eraseAfter));
    await sealNow(app, signal);
    const parts = { catalog: app.catalog(), store: app.store(), mirror: app.mirror(), log: app.log, signal };
    if (graceMs === 0) {
      await eraseDue(parts, { waitMs: ERASER_WAIT_MS });
      await sealNow(app, signal);
      return tellErased(app, ids, code);
    }
    if (changed > 0 && !options.json)
      writeError(`Their bytes go after ${formatDuration(graceMs)}; until then: asset-archiver catalog undelete`);
    return code;
  });
}

// the deletion is on record all the same: a worker goes on with it
function tellErased(app: App, ids: readonly string[], code: number): number {
  const due = new Set(app.catalog().edits.listDueForErasure());
  const left = ids.filter((id) => due.has(id));
  if (left.length === 0) return code;
  writeError(
    `The bytes of ${left.length} could not be removed yet (${left.slice(0, 3).join(", ")}); a worker tries again`,
  );
  return EXIT.failed;
}

function runUndelete(ids: string[], options: Options): Promise<number> {
  return withApp(async (app) => {
    await app.requireOwnStore();
    const { code } = await each(ids, options, (id) => app.catalog().edits.undelete(id));
    await sealNow(app, interruptSignal());
    return code;
  });
}

async function each(
  ids: string[],
  { json }: Options,
  change: (id: string) => Promise<string>,
): Promise<{ code: number; changed: number }> {
  let code: number = EXIT.done;
  let changed = 0;
  for (const request_id of ids) {
    const result = await change(request_id);
    if (result === "changed") changed += 1;
    const fits = result === "changed" || result === "unchanged";
    if (!fits) code = EXIT.failed;
    if (json) printJson({ request_id, result });
    else if (fits) writeOutput(`${request_id}  ${result}`);
    else writeError(describe(request_id, result));
  }
  return { code, changed };
}

function describe(id: string, result: string): string {
  if (result === "unknown") return `There is no request "${id}"`;
  if (result === "erased") return `Cannot take back the deletion of "${id}": its bytes are gone`;
  return `Cannot delete "${id}" while it is ${result}: wait for it, or cancel it first`;
}

// `catalog lock`: writes the file for git that ties each request of a manifest to its images, and prints its root.
import { basename, dirname, extname, join, resolve } from "node:path";
import type { Command } from "commander";
import type { App } from "../../../app/app.ts";
import { readManifest } from "../../../batches/manifest/manifest.ts";
import { openManifest } from "../../../batches/manifest/open.ts";
import { RejectedError } from "../../../domain/errors.ts";
import { createRootBuilder, describeRoot } from "../../../domain/lockfile/root.ts";
import { type LockDefaults, lockEnd, lockHead, lockLine } from "../../../domain/lockfile/write.ts";
import { lockManifest, type Unlocked, type UnlockedKind } from "../../../maintenance/lock.ts";
import { writeFileAtomically } from "../../../output/export/atomic-output.ts";
import type { Sink } from "../../../output/export/format.ts";
import { EXIT, interruptSignal, printJson, withApp, writeError, writeOutput } from "../../io.ts";
import { createProgress } from "../../live-view.ts";
import { addManifestFlags, type ManifestFlags, toManifestOptions } from "../../manifest-flags.ts";
import { plain } from "../../text.ts";

const EXAMPLES = `
Commit the file beside the manifest: each line ties a request to its recipe and to the digests, keys and sizes of its
images. "catalog check" tells from it, without the catalog, what is missing from a store or changed. The root is one line
that two parties can compare. Items that are not archived are named; without --partial nothing is written then.

Examples:
  $ asset-archiver catalog lock prompts.jsonl
  $ asset-archiver catalog lock night.yaml --output assets.lock.json
  $ asset-archiver catalog lock prompts.csv --collection animals --partial --json`;

interface Options extends ManifestFlags {
  output?: string;
  partial?: boolean;
  json?: boolean;
}

export function addCatalogLock(group: Command, end: (code: number) => void): void {
  const command = group
    .command("lock")
    .description("write a file for git that ties each request of a manifest to its images")
    .argument("<manifest>", 'a file, "-", s3://bucket/key or https://…');
  addManifestFlags(command)
    .option("--output <file>", "where to (default: beside the manifest, <name>.lock.json)")
    .option("--partial", "lock what is archived, and leave the rest out")
    .option("--json", "one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (where: string, options: Options) => end(await runLock(where, options)));
}

/** So many items without images are named. */
const NAMED = 100;

/** What became of a manifest. `left` holds the first items without images, `left_count` counts all. */
interface Outcome {
  keep: boolean;
  root: string;
  requests: number;
  images: number;
  duplicates: number;
  left_count: number;
  left_by_kind: Partial<Record<UnlockedKind, number>>;
  left: Unlocked[];
}

function runLock(where: string, options: Options): Promise<number> {
  const output = toOutput(where, options.output);
  return withApp(async (app) => {
    const signal = interruptSignal();
    const progress = createProgress(process.stderr);
    try {
      const outcome = await writeFileAtomically({ output, signal, keep: (done: Outcome) => done.keep }, ({ write }) =>
        lock(app, { where, options, signal, write, progress }),
      );
      progress.end();
      return tell(outcome, { output, options });
    } catch (error) {
      progress.end();
      if (signal.aborted) return EXIT.interrupted;
      throw error;
    }
  });
}

function toOutput(where: string, given: string | undefined): string {
  const isFile = where !== "-" && !/^[a-z][a-z0-9+.-]+:\/\//i.test(where);
  if (given === undefined && !isFile)
    throw wrongOutput(`a file to write the lock to, since the manifest is "${where}"`);
  const output = given ?? join(dirname(where), `${basename(where, extname(where))}.lock.json`);
  if (output === "-") throw wrongOutput('a file, got "-": standard output has the root');
  if (isFile && resolve(output) === resolve(where))
    throw wrongOutput(`another file than the manifest, got "${output}"`);
  return output;
}

function wrongOutput(wanted: string): RejectedError {
  return new RejectedError(`--output: wanted ${wanted}`, { code: "invalid_request" });
}

interface Locking {
  where: string;
  options: Options;
  signal: AbortSignal;
  write: Sink["write"];
  progress: ReturnType<typeof createProgress>;
}

async function lock(app: App, { where, options, signal, write, progress }: Locking): Promise<Outcome> {
  const source = await openManifest(where, { settings: app.settings, signal });
  const outcome = { ...NOTHING, left_by_kind: {}, left: [] } as Outcome;
  const builder = createRootBuilder();
  await write(lockHead(toDefaults(options)));
  for await (const locked of lockManifest(readManifest(source, toManifestOptions(options)), app.catalog())) {
    signal.throwIfAborted();
    if ("unlocked" in locked) leave(outcome, locked.unlocked);
    else if ("duplicateOf" in locked) outcome.duplicates += 1;
    else {
      await write(`${outcome.requests === 0 ? "" : ","}\n${lockLine(locked.entry)}`);
      builder.add(locked.entry);
      outcome.requests += 1;
      outcome.images += locked.entry.images.length;
    }
    progress.show(() => `${outcome.requests.toLocaleString("en")} requests locked, ${outcome.left_count} not archived`);
  }
  outcome.root = builder.root();
  outcome.keep = outcome.left_count === 0 || options.partial === true;
  await write(lockEnd(outcome.root));
  return outcome;
}

const NOTHING = { keep: false, root: "", requests: 0, images: 0, duplicates: 0, left_count: 0 };

function toDefaults({ collection, tag: tags }: Options): LockDefaults {
  return { ...(collection === undefined ? {} : { collection }), ...(tags === undefined ? {} : { tags }) };
}

function leave(outcome: Outcome, unlocked: Unlocked): void {
  outcome.left_count += 1;
  outcome.left_by_kind[unlocked.kind] = (outcome.left_by_kind[unlocked.kind] ?? 0) + 1;
  if (outcome.left.length < NAMED) outcome.left.push(unlocked);
}

function tell(outcome: Outcome, { output, options }: { output: string; options: Options }): number {
  if (options.json) tellJson(outcome, output);
  else tellPerson(outcome, output);
  return outcome.keep ? EXIT.done : EXIT.failed;
}

function tellJson({ keep, root, ...rest }: Outcome, output: string): void {
  printJson({ ...(keep ? { output, root } : { output: null, root: null }), ...rest });
}

function tellPerson(outcome: Outcome, output: string): void {
  const { keep, left, left_count } = outcome;
  for (const { kind, line, request_id, reason } of left) {
    const of = request_id === null ? "" : ` "${request_id}"`;
    writeError(plain(`line ${line}: ${kind}${of}: ${reason}`));
  }
  if (left_count > left.length) writeError(`… and ${(left_count - left.length).toLocaleString("en")} more`);
  if (keep) writeOutput(describeRoot(outcome));
  writeError(
    keep ? `${output} is written${left_count === 0 ? "" : `, without ${left_count} items`}` : nothingWritten(outcome),
  );
}

function nothingWritten({ left_count, requests }: Outcome): string {
  const all = left_count + requests;
  return `Nothing is written: ${left_count} of ${all} items are not archived as the manifest has them (--partial leaves them out)`;
}

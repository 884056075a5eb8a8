// `catalog check`: says from a lock file what a store lacks or has otherwise. Needs neither catalog nor Redis nor a key,
// and leaves nothing behind: it runs in the CI of other projects.
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { readSettings, type Settings } from "../../../app/settings.ts";
import { readManifest } from "../../../batches/manifest/manifest.ts";
import { openManifest } from "../../../batches/manifest/open.ts";
import { decodeText } from "../../../domain/decode-text.ts";
import { ConfigError, toMessage } from "../../../domain/errors.ts";
import { type Lock, parseLock } from "../../../domain/lockfile/read.ts";
import { describeRoot } from "../../../domain/lockfile/root.ts";
import { checkLock, type LockChecked } from "../../../maintenance/check-lock.ts";
import { compareLock, type ManifestCompared } from "../../../maintenance/compare-lock.ts";
import { openStore } from "../../../storage/open.ts";
import { EXIT, interruptSignal, printJson } from "../../io.ts";
import { createProgress } from "../../live-view.ts";
import { printLockCheck } from "../../lock-text.ts";
import { addFormatFlag, type ManifestFlags } from "../../manifest-flags.ts";

const EXAMPLES = `
Needs STORAGE_URL (and the AWS_… variables of an S3 store) and nothing else: each image is asked for by one HEAD request.
Most S3 stores tell the digest of what they hold; a directory tells the size only: --deep reads every byte, from any store.
First the file itself is checked: an edited one does not have the root of its entries any more. With --manifest it is
also compared with what the manifest asks for now. Exit 0: all is there; 1: something is missing or changed, or the store
gave no word of it; 2: the file cannot be used.

Examples:
  $ STORAGE_URL=s3://game-art asset-archiver catalog check prompts.lock.json
  $ asset-archiver catalog check prompts.lock.json --manifest prompts.jsonl
  $ asset-archiver catalog check prompts.lock.json --json | jq -r '.found[].key'`;

interface Options extends Pick<ManifestFlags, "format"> {
  manifest?: string;
  deep?: boolean;
  json?: boolean;
}

export function addCatalogCheck(group: Command, end: (code: number) => void): void {
  const command = group
    .command("check")
    .description("say from a lock file what is missing from the store or changed, by HEAD requests only")
    .argument("<lockfile>", 'what "catalog lock" wrote')
    .option("--manifest <file>", "tell also where this manifest asks for something else now");
  addFormatFlag(command)
    .option("--deep", "read and hash every image")
    .option("--json", "one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (file: string, options: Options) => end(await runCheck(file, options)));
}

/** So many HEAD requests are out at a time: a store far away answers each after tens of milliseconds. */
const HEADS_AT_ONCE = 64;
/** So many images are read at a time; each is hashed as it comes. */
const READS_AT_ONCE = 8;

async function runCheck(file: string, options: Options): Promise<number> {
  const settings = readSettings();
  const lock = parseLock(await readText(file), file);
  const signal = interruptSignal();
  try {
    const manifest = await compare(lock, { settings, options, signal });
    const { checked, location } = await ask(lock, { settings, options, signal });
    return tell({ file, lock, checked, manifest, location }, options);
  } catch (error) {
    if (signal.aborted) return EXIT.interrupted;
    throw error;
  }
}

async function readText(file: string): Promise<string> {
  try {
    return decodeText(await readFile(file));
  } catch (cause) {
    throw new ConfigError(`Cannot read lock file "${file}": ${toMessage(cause)}`, {
      code: "lock_file_unreadable",
      cause,
    });
  }
}

interface Checking {
  settings: Settings;
  options: Options;
  signal: AbortSignal;
}

/** The store alone is opened: an app would make folders for what is not needed here. */
async function ask(
  lock: Lock,
  { settings, options, signal }: Checking,
): Promise<{ checked: LockChecked; location: string }> {
  const deep = options.deep === true;
  const atOnce = deep ? READS_AT_ONCE : HEADS_AT_ONCE;
  const store = openStore({
    ...settings.storage,
    ...(settings.storage.kind === "s3" && { maxSockets: HEADS_AT_ONCE }),
  });
  const progress = createProgress(process.stderr);
  const onProgress = ({ by_digest, by_size, unreachable, found, objects }: LockChecked) =>
    progress.show(() => {
      const looked = by_digest + by_size + unreachable + found.length;
      return `${looked} of ${objects} images, ${found.length} findings, ${unreachable} not looked at`;
    });
  try {
    const checked = await checkLock(lock.entries, { store, deep, atOnce, signal, onProgress });
    return { checked, location: store.locate("") };
  } finally {
    progress.end();
    await store.close();
  }
}

async function compare(lock: Lock, { settings, options, signal }: Checking): Promise<ManifestCompared | undefined> {
  if (options.manifest === undefined) return undefined;
  const { collection, tags } = lock;
  const source = await openManifest(options.manifest, { settings, signal });
  const progress = createProgress(process.stderr);
  try {
    return await compareLock(lock.entries, readManifest(source, { format: options.format, collection, tags }), {
      signal,
      onProgress: (requests) => progress.show(() => `${requests.toLocaleString("en")} requests of the manifest`),
    });
  } finally {
    progress.end();
  }
}

interface Result {
  file: string;
  lock: Lock;
  checked: LockChecked;
  manifest: ManifestCompared | undefined;
  location: string;
}

function tell({ file, lock, checked, manifest, location }: Result, options: Options): number {
  const { root, images, entries } = lock;
  const summary = { root, requests: entries.length, images };
  const ok = checked.found.length === 0 && checked.unreachable === 0 && (manifest?.found.length ?? 0) === 0;
  if (options.json) printJson({ lockfile: file, ok, ...summary, location, ...checked, manifest: manifest ?? null });
  else printLockCheck({ root: describeRoot(summary), checked, manifest, location });
  return ok ? EXIT.done : EXIT.failed;
}

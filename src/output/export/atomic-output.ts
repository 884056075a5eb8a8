// Files and folders that are complete or not there: written under another name beside the target, and renamed at the end.
import { randomUUID } from "node:crypto";
import { chmod, lstat, mkdir, open, readdir, rename, rm, rmdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { ArchiverError, RejectedError, TransientError, toMessage } from "../../domain/errors.ts";
import { makeFolder } from "../../storage/make-folder.ts";
import { PRIVATE_FILE, PRIVATE_FOLDER } from "../../storage/private-files.ts";
import type { Sink } from "./format.ts";

export interface AtomicOutput {
  /** The path in the end. */
  output: string;
  signal: AbortSignal;
}

/**
 * A file of what `work` writes, unless `keep` says of its result that it is to be none. What was begun and is not kept is
 * removed; an older file of the name stays until then.
 */
export async function writeFileAtomically<T>(
  { output, signal, keep = () => true }: AtomicOutput & { keep?: (done: T) => boolean },
  work: (sink: Sink) => Promise<T>,
): Promise<T> {
  const path = resolve(output);
  const unfinished = toUnfinished(path);
  return translated(output, async () => {
    await refuseFolder(output);
    await makeFolder(dirname(path));
    try {
      const done = await writeFileOnce(unfinished, work);
      signal.throwIfAborted();
      if (keep(done)) await replaceFile(path, unfinished);
      return done;
    } finally {
      // after a rename there is nothing left
      await rm(unfinished, { force: true });
    }
  });
}

// nobody can have put a symlink under a name that nobody can guess
function toUnfinished(path: string): string {
  return `${path}.${randomUUID()}.unfinished`;
}

// who may read a file that is replaced was decided by somebody: a lock file that a team shares, say
async function replaceFile(path: string, unfinished: string): Promise<void> {
  const there = await lstat(path).catch(ignoreAbsence);
  if (there?.isFile()) await chmod(unfinished, there.mode & 0o777);
  await rename(unfinished, path);
}

/** A folder that `work` fills, at a place where there is none, or an empty one: nobody's files are touched. */
export async function writeFolderAtomically<T>(
  { output, signal }: AtomicOutput,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const path = resolve(output);
  const unfinished = toUnfinished(path);
  return translated(output, async () => {
    await refuseFull(output);
    await makeFolder(dirname(path));
    await mkdir(unfinished, PRIVATE_FOLDER);
    try {
      const done = await work(unfinished);
      signal.throwIfAborted();
      await rmdir(path).catch(ignoreAbsence);
      await rename(unfinished, path);
      return done;
    } finally {
      await rm(unfinished, { recursive: true, force: true });
    }
  });
}

async function refuseFull(output: string): Promise<void> {
  const there = await readdir(output).catch(ignoreAbsence);
  if (there === undefined || there.length === 0) return;
  throw refused(`wanted a new or an empty folder, got "${output}" with ${there.length} entries`);
}

// before the work: an hour later the rename would say it, too
async function refuseFolder(output: string): Promise<void> {
  const there = await stat(output).catch(() => undefined);
  if (there?.isDirectory()) throw refused(`wanted a file, got the folder "${output}"`);
}

function refused(message: string): RejectedError {
  return new RejectedError(`--output: ${message}`, {
    code: "invalid_request",
    faults: [{ field: "--output", message }],
  });
}

/** Written in pieces of this size: lines are short, and each write is a call of the system. */
const PIECE_BYTES = 256 * 1024;

async function writeFileOnce<T>(path: string, work: (sink: Sink) => Promise<T>): Promise<T> {
  const file = await open(path, "wx", PRIVATE_FILE);
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  const flush = async () => {
    const piece = Buffer.concat(waiting);
    waiting = [];
    bytes = 0;
    for (let at = 0; at < piece.length; ) at += (await file.write(piece, at)).bytesWritten;
  };
  try {
    const done = await work({
      write: async (chunk) => {
        const added = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
        waiting.push(added);
        bytes += added.length;
        if (bytes >= PIECE_BYTES) await flush();
      },
    });
    await flush();
    await file.sync();
    return done;
  } finally {
    await file.close();
  }
}

async function translated<T>(output: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof ArchiverError || !/^E[A-Z0-9]+$/.test(code ?? "")) throw error;
    throw new TransientError(`Cannot write "${output}": ${toMessage(error)}`, { code: "output_failed", cause: error });
  }
}

function ignoreAbsence(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}

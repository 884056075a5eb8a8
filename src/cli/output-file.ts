// A file that is complete or not there: written beside its name, and renamed when the last byte is on disk.
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { TransientError, toMessage } from "../errors.ts";

/** Resolves when there is room for more. */
export type WriteText = (text: string) => Promise<void>;

/** So many characters are gathered for one write to the disk. */
const GATHERED_LENGTH = 64 * 1024;

/**
 * Runs `work`, and gives the file its name where that says `keep`; whatever was there is replaced. What was begun and not
 * kept is removed. Throws a TransientError `output_failed` where the disk does not take it.
 */
export async function writeWhole<T extends { keep: boolean }>(
  output: string,
  work: (write: WriteText) => Promise<T>,
): Promise<T> {
  const path = resolve(output);
  const unfinished = `${path}.${process.pid}.unfinished`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const done = await fill(unfinished, work);
    if (done.keep) await rename(unfinished, path);
    return done;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw new TransientError(`Cannot write "${output}": ${toMessage(error)}`, { code: "output_failed", cause: error });
  } finally {
    // after a rename there is nothing left; after a failure it is reported already
    await rm(unfinished, { force: true }).catch(() => undefined);
  }
}

async function fill<T>(path: string, work: (write: WriteText) => Promise<T>): Promise<T> {
  const file = await open(path, "w");
  try {
    let gathered = "";
    const done = await work(async (text) => {
      gathered += text;
      if (gathered.length < GATHERED_LENGTH) return;
      await file.appendFile(gathered);
      gathered = "";
    });
    await file.appendFile(gathered);
    await file.sync();
    return done;
  } finally {
    await file.close();
  }
}

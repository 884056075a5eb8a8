// A file for what is too much to hold in memory. It has no name from the beginning, so that nothing is left of it whatever
// becomes of this process.
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Opens an empty one to write and read, for this user only; `purpose` is a word for it. Whoever opened it closes it. */
export async function openAnonymousTempFile(purpose: string): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), `asset-archiver-${purpose}-`));
  try {
    return await open(join(folder, purpose), "wx+", 0o600);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

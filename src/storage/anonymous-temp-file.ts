// A temporary file for data that is too large for memory. It is unlinked right after opening, so that nothing is left if the
// process crashes.
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Opens an empty file for reading and writing, for this user only. `purpose` is part of its name. The caller closes it. */
export async function openAnonymousTempFile(purpose: string): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), `asset-archiver-${purpose}-`));
  try {
    return await open(join(folder, purpose), "wx+", 0o600);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

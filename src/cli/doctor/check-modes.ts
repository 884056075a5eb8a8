// Can other users of this machine read what is for its user alone? New files are private; those that an earlier version made, or
// an editor, keep their mode.
import { readdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Settings } from "../../app/settings.ts";
import { createFindings, type Finding } from "./finding.ts";

const OTHERS_MAY_READ = 0o004;
const OTHERS_MAY_ENTER = 0o001;

const NAMED_MAX = 5;

/** Warns of catalog, spool and `.env` files that other users may read. Empty where all is private, and on Windows. */
export async function checkModes({
  catalogFile,
  spoolFolder,
}: Pick<Settings, "catalogFile" | "spoolFolder">): Promise<Finding[]> {
  if (process.platform === "win32") return [];
  const findings = createFindings("disk");
  const catalog = resolve(catalogFile);
  const places = [
    ...[catalog, `${catalog}-wal`, `${catalog}-shm`, join(dirname(catalog), "asset-url.key"), resolve(".env")],
    ...(await filesIn(resolve(spoolFolder))),
  ];
  const open: string[] = [];
  for (const place of places) if (await isOpen(place)) open.push(place);
  if (open.length === 0) return [];
  const named = open.slice(0, NAMED_MAX).join(", ") + (open.length > NAMED_MAX ? ", …" : "");
  findings.warning(`other users of this machine may read ${named}`, {
    advice: `these hold prompts, signed URLs, tokens or keys: chmod go-rwx ${open.length > NAMED_MAX ? "them" : named.replaceAll(",", "")}`,
  });
  return findings.list;
}

async function filesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.map((name) => join(folder, name));
}

/** Whether others may read the file, and enter the folder that it is in. */
async function isOpen(path: string): Promise<boolean> {
  const [file, folder] = await Promise.all([path, dirname(path)].map((one) => stat(one).catch(() => undefined)));
  if (file === undefined || folder === undefined) return false;
  return (file.mode & OTHERS_MAY_READ) !== 0 && (folder.mode & OTHERS_MAY_ENTER) !== 0;
}

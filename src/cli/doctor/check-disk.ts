// Is there room, may we write, and is the catalog on a disk that SQLite can trust?
import { randomUUID } from "node:crypto";
import { stat, statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { createSpoolOf } from "../../app/app.ts";
import type { Settings } from "../../app/settings.ts";
import { toMessage } from "../../domain/errors.ts";
import { formatSize } from "../../domain/units.ts";
import { checkModes } from "./check-modes.ts";
import { createFindings, type Finding, type Findings } from "./finding.ts";

/** Below these the disk is nearly full, or full for our purposes. */
const FREE_WARN_BYTES = 1024 ** 3;
const FREE_MIN_BYTES = 100 * 1024 ** 2;

/** File systems over a network, by the magic numbers of statfs(2): SQLite's WAL needs memory that all processes share. */
const NETWORK_TYPES = new Map([
  [0x6969, "NFS"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB"],
  [0x517b, "SMB"],
]);

/** Looks at the folders of catalog, spool and, where it is a directory, the store. */
export async function checkDisk(settings: Settings): Promise<Finding[]> {
  const findings = createFindings("disk");
  const { catalogFile, spoolFolder, storage } = settings;
  await checkCatalogDisk(dirname(resolve(catalogFile)), findings);
  await checkFree({ folder: spoolFolder, setting: "SPOOL_DIR", what: "spool" }, findings);
  if (storage.kind === "directory") {
    await checkFree({ folder: storage.path, setting: "STORAGE_URL", what: "store" }, findings);
  }
  await checkSpool(settings, findings);
  return [...findings.list, ...(await checkModes(settings))];
}

async function checkCatalogDisk(folder: string, findings: Findings): Promise<void> {
  await checkFree({ folder, setting: "CATALOG_URL", what: "catalog" }, findings);
  const network = NETWORK_TYPES.get((await statfs(await nearestFolder(folder))).type);
  if (network === undefined) return;
  findings.problem(`the catalog lies on ${network}, where SQLite cannot be trusted`, {
    setting: "CATALOG_URL",
    advice: "put it on a disk of this machine",
  });
}

interface Place {
  folder: string;
  setting: string;
  what: string;
}

async function checkFree({ folder, setting, what }: Place, findings: Findings): Promise<void> {
  const place = await nearestFolder(resolve(folder));
  const { bavail, bsize } = await statfs(place);
  const free = bavail * bsize;
  const message = `${formatSize(free)} free for the ${what} (${folder})`;
  const mend = { setting, advice: "make room, or name a place that has more" };
  if (free < FREE_MIN_BYTES) findings.problem(message, mend);
  else if (free < FREE_WARN_BYTES) findings.warning(message, mend);
  else findings.ok(message);
}

// what is not there yet will be made in the nearest folder that is
async function nearestFolder(folder: string): Promise<string> {
  const found = await stat(folder).catch(() => undefined);
  return found !== undefined || folder === dirname(folder) ? folder : nearestFolder(dirname(folder));
}

async function checkSpool(settings: Settings, findings: Findings): Promise<void> {
  const spool = createSpoolOf(settings);
  const name = `doctor-${randomUUID()}`;
  try {
    await spool.write(name, Buffer.from("probe"));
    await spool.remove(name);
    findings.ok(`the spool can be written (${settings.spoolFolder})`);
  } catch (error) {
    findings.problem(toMessage(error), { setting: "SPOOL_DIR", advice: "name a folder that this user may write to" });
  }
}

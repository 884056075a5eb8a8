// `catalog backup`: a consistent copy of the live database, to a file or into the store.

import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { Command } from "commander";
import type { App } from "../../../app/app.ts";
import { catalogExists } from "../../../catalog/db/migrate.ts";
import { RejectedError } from "../../../domain/errors.ts";
import { formatSize } from "../../../domain/units.ts";
import { EXIT, printJson, withApp, writeOutput } from "../../io.ts";
import { createProgress } from "../../live-view.ts";

const EXAMPLES = `
Workers go on meanwhile; the copy is the catalog of one moment, and it is checked before it gets its name.
In the store it lies under backups/, packed with gzip. To use a copy: unpack it and let CATALOG_URL name it.

Examples:
  $ asset-archiver catalog backup /backups/catalog-$(date +%F).db
  $ asset-archiver catalog backup --store`;

interface Options {
  store?: boolean;
  json?: boolean;
}

export function addCatalogBackup(group: Command, end: (code: number) => void): void {
  group
    .command("backup")
    .description("copy the catalog, consistent and checked, while it is in use")
    .argument("[file]", "where to; it must not exist")
    .option("--store", "into the store instead")
    .option("--json", "one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (file: string | undefined, options: Options) => end(await runBackup(file, options)));
}

function runBackup(file: string | undefined, options: Options): Promise<number> {
  if ((file === undefined) === (options.store !== true))
    throw new RejectedError("catalog backup: wanted either a file or --store", { code: "invalid_request" });
  return withApp(async (app) => {
    if (!catalogExists(app.settings.catalogFile)) throw (await app.explainMissingCatalog()).error;
    if (file === undefined) await app.requireOwnStore();
    const made = file === undefined ? await toStore(app) : await toFile(app, resolve(file));
    if (options.json) printJson(made);
    else writeOutput(`${formatSize(made.bytes)} in ${made.location}`);
    return EXIT.done;
  });
}

interface Made {
  location: string;
  key: string | null;
  bytes: number;
}

async function toFile(app: App, file: string): Promise<Made> {
  const progress = createProgress(process.stderr);
  await app.catalog().backup(file, (share) => progress.show(() => `${Math.round(share * 100)} %`));
  progress.end();
  return { location: file, key: null, bytes: (await stat(file)).size };
}

async function toStore(app: App): Promise<Made> {
  const folder = await mkdtemp(join(tmpdir(), "asset-archiver-backup-"));
  try {
    const copy = join(folder, "catalog.db");
    await toFile(app, copy);
    const packed = `${copy}.gz`;
    await pipeline(createReadStream(copy), createGzip({ level: 6 }), createWriteStream(packed));
    const bytes = await readFile(packed);
    const key = `backups/catalog-${new Date(app.clock.now()).toISOString().replace(/[-:]|\.\d+/g, "")}.db.gz`;
    const digest = createHash("sha256").update(bytes).digest("hex");
    await app.store().put(key, bytes, { contentType: "application/gzip", digest });
    return { location: app.store().locate(key), key, bytes: bytes.length };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

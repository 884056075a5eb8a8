// `migrate`: brings the catalog's tables up to date. Every command does so when it opens the catalog; this one only says it.
import type { Command } from "commander";
import { EXIT, printJson, withApp, writeOutput } from "../io.ts";

const EXAMPLES = `
Safe while workers run: one process migrates, the others wait. A catalog written by a newer version is refused.

Examples:
  $ asset-archiver migrate
  $ CATALOG_URL=file:/srv/pictures/catalog.db asset-archiver migrate --json`;

export function addMigrateCommand(program: Command, end: (code: number) => void): void {
  program
    .command("migrate")
    .description("bring the catalog's tables up to date")
    .option("--json", "one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (options: { json?: boolean }) => end(await runMigrate(options)));
}

function runMigrate({ json }: { json?: boolean }): Promise<number> {
  return withApp(async (app) => {
    const catalog = app.settings.catalogFile;
    const applied = app.catalog().migrated;
    if (json) printJson({ catalog, applied });
    else if (applied.length === 0) writeOutput(`${catalog} is up to date`);
    else writeOutput(`${catalog}: applied ${applied.join(", ")}`);
    return EXIT.done;
  });
}

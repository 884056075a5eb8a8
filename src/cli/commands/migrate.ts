// `migrate`: brings the catalog's tables up to date, and gives catalog, queues and store one identity. Every command does the
// first when it opens the catalog, workers and servers do the second; this one says it, and can take over what is another's.
import type { Command } from "commander";
import { EXIT, printJson, withApp, writeOutput } from "../io.ts";
import { NEW_CATALOG_OPTION, type NewCatalogFlag } from "../new-catalog.ts";

const EXAMPLES = `
Refuses while a worker or server of an older version uses the catalog: stop it first. A catalog written by a newer version is
refused. --adopt makes the queues of QUEUE_PREFIX, the store and the mirror belong to this catalog, whoever had them; what the
other catalog still wants from them fails, and its workers stop.

Examples:
  $ asset-archiver migrate
  $ CATALOG_URL=file:/srv/pictures/catalog.db asset-archiver migrate --json
  $ asset-archiver migrate --adopt`;

interface Options extends NewCatalogFlag {
  adopt?: boolean;
  json?: boolean;
}

export function addMigrateCommand(program: Command, end: (code: number) => void): void {
  program
    .command("migrate")
    .description("bring the catalog's tables up to date")
    .option("--adopt", "take over queues and store for this catalog, whichever installation they belong to")
    .option(...NEW_CATALOG_OPTION)
    .option("--json", "one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options) => end(await runMigrate(options)));
}

function runMigrate({ adopt = false, newCatalog = false, json }: Options): Promise<number> {
  return withApp(
    async (app) => {
      const catalog = app.settings.catalogFile;
      const applied = app.catalog().migrated;
      const installation_id = app.catalog().installationId() ?? null;
      if (json) printJson({ catalog, applied, installation_id });
      else {
        writeOutput(applied.length === 0 ? `${catalog} is up to date` : `${catalog}: applied ${applied.join(", ")}`);
        if (adopt) writeOutput(`Queues and store belong to its installation now: ${installation_id}`);
      }
      return EXIT.done;
    },
    { prepare: { adopt, newCatalog } },
  );
}

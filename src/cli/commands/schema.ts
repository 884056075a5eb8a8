// `schema`: the forms that other programs have to know, as JSON Schema.
import type { Command } from "commander";
import { toJobSchema } from "../../domain/request/job-schema.ts";
import { EXIT, writeOutput } from "../io.ts";

const EXAMPLES = `
Needs no settings, no catalog and no Redis.

Examples:
  $ asset-archiver schema job > job.schema.json`;

export function addSchemaCommand(program: Command, end: (code: number) => void): void {
  const group = program
    .command("schema")
    .description("print the forms that other programs have to know")
    .addHelpText("after", EXAMPLES);
  group
    .command("job")
    .description('the data of a job in queue "generate", as JSON Schema (draft 2020-12)')
    .addHelpText("after", EXAMPLES)
    .action(() => {
      writeOutput(JSON.stringify(toJobSchema(), null, 2));
      end(EXIT.done);
    });
}

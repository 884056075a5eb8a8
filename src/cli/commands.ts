// Every command, in the order in which `--help` shows them.
import type { Command } from "commander";
import { addBulkCommand } from "./commands/bulk.ts";
import { addCancelCommand } from "./commands/cancel.ts";
import { addCatalogCommand } from "./commands/catalog.ts";
import { addDemoCommand } from "./commands/demo.ts";
import { addDoctorCommand } from "./commands/doctor.ts";
import { addEnqueueCommand } from "./commands/enqueue.ts";
import { addLedgerCommand } from "./commands/ledger.ts";
import { addMigrateCommand } from "./commands/migrate.ts";
import { addPlanCommand } from "./commands/plan.ts";
import { addRetryCommand } from "./commands/retry.ts";
import { addSandboxCommand } from "./commands/sandbox.ts";
import { addSchemaCommand } from "./commands/schema.ts";
import { addServeCommand } from "./commands/serve.ts";
import { addStatusCommand } from "./commands/status.ts";
import { addWaitCommand } from "./commands/wait.ts";
import { addWorkerCommand } from "./commands/worker.ts";

/** Adds one command to the program; it calls `end` with its exit code. */
export type AddCommand = (program: Command, end: (code: number) => void) => void;

export const COMMANDS: readonly AddCommand[] = [
  addDemoCommand,
  addWorkerCommand,
  addServeCommand,
  addSandboxCommand,
  addEnqueueCommand,
  addPlanCommand,
  addBulkCommand,
  addStatusCommand,
  addWaitCommand,
  addRetryCommand,
  addCancelCommand,
  addCatalogCommand,
  addLedgerCommand,
  addSchemaCommand,
  addMigrateCommand,
  addDoctorCommand,
];

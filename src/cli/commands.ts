// Every command, in the order in which `--help` shows them.
import type { Command } from "commander";
import { addCatalogCommand } from "./commands/catalog.ts";
import { addDemoCommand } from "./commands/demo.ts";
import { addDoctorCommand } from "./commands/doctor.ts";
import { addEnqueueCommand } from "./commands/enqueue.ts";
import { addMigrateCommand } from "./commands/migrate.ts";
import { addPlanCommand } from "./commands/plan.ts";
import { addSandboxCommand } from "./commands/sandbox.ts";
import { addStatusCommand } from "./commands/status.ts";
import { addWaitCommand } from "./commands/wait.ts";
import { addWorkerCommand } from "./commands/worker.ts";

/** Adds one command to the program; it calls `end` with its exit code. */
export type AddCommand = (program: Command, end: (code: number) => void) => void;

export const COMMANDS: readonly AddCommand[] = [
  addDemoCommand,
  addWorkerCommand,
  addSandboxCommand,
  addEnqueueCommand,
  addPlanCommand,
  addStatusCommand,
  addWaitCommand,
  addCatalogCommand,
  addMigrateCommand,
  addDoctorCommand,
];

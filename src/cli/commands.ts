// Every command, in the order in which `--help` shows them. A command is loaded when it is asked for: the databases,
// queues and pictures of all of them would make even `--help` take a second.
import type { CommandEntry } from "./command-entry.ts";

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "demo",
    about: "see everything work, at no cost: a dozen prompts, the sandbox as their API, a worker",
    load: async () => (await import("./commands/demo.ts")).addDemoCommand,
  },
  {
    name: "up",
    about: "run everything on this machine: Redis, a worker and the server with its page",
    load: async () => (await import("./commands/up.ts")).addUpCommand,
  },
  {
    name: "worker",
    about: "take jobs from the queues, call the image API, archive and record what comes",
    load: async () => (await import("./commands/worker.ts")).addWorkerCommand,
  },
  {
    name: "serve",
    about: "answer the HTTP API and show the web page",
    load: async () => (await import("./commands/serve.ts")).addServeCommand,
  },
  {
    name: "sandbox",
    about: "stand in for the image API: real pictures, real errors, no cost",
    load: async () => (await import("./commands/sandbox.ts")).addSandboxCommand,
  },
  {
    name: "enqueue",
    about: "ask for one picture (or up to four of one prompt)",
    load: async () => (await import("./commands/enqueue.ts")).addEnqueueCommand,
  },
  {
    name: "plan",
    about: "show what a run of a manifest would do and cost, without doing it",
    load: async () => (await import("./commands/plan.ts")).addPlanCommand,
  },
  {
    name: "bulk",
    about: "enqueue a whole manifest: thousands of prompts, at a lower priority than single requests",
    load: async () => (await import("./commands/bulk.ts")).addBulkCommand,
  },
  {
    name: "schedule",
    about: "run manifests at night, again and again",
    load: async () => (await import("./commands/schedule.ts")).addScheduleCommand,
  },
  {
    name: "status",
    about: "show what is going on, or everything about one request",
    load: async () => (await import("./commands/status.ts")).addStatusCommand,
  },
  {
    name: "wait",
    about: "wait until requests have ended, and show them",
    load: async () => (await import("./commands/wait.ts")).addWaitCommand,
  },
  {
    name: "report",
    about: "write the report of a batch, as it stands now, as one HTML page",
    load: async () => (await import("./commands/report.ts")).addReportCommand,
  },
  {
    name: "retry",
    about: "try failed or parked requests again",
    load: async () => (await import("./commands/retry.ts")).addRetryCommand,
  },
  {
    name: "cancel",
    about: "cancel requests that have cost nothing yet",
    load: async () => (await import("./commands/cancel.ts")).addCancelCommand,
  },
  {
    name: "catalog",
    about: "find, show and hand over what is archived",
    load: async (isWanted) => (await import("./commands/catalog.ts")).loadCatalogCommand(isWanted),
  },
  {
    name: "ledger",
    about: "show the calls, what they cost, and the money at risk",
    load: async () => (await import("./commands/ledger.ts")).addLedgerCommand,
  },
  {
    name: "schema",
    about: "print the forms that other programs have to know",
    load: async () => (await import("./commands/schema.ts")).addSchemaCommand,
  },
  {
    name: "migrate",
    about: "bring the catalog's tables up to date",
    load: async () => (await import("./commands/migrate.ts")).addMigrateCommand,
  },
  {
    name: "doctor",
    about: "check settings, Redis, store, image API, catalog and disk, and name the setting that is wrong",
    load: async () => (await import("./commands/doctor.ts")).addDoctorCommand,
  },
];

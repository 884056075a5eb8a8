// Every case, in the order of the table.
import type { Case } from "./case.ts";
import { bulk, bulkMillion } from "./cases/bulk.ts";
import { copyDelay } from "./cases/copy-delay.ts";
import { copyRate } from "./cases/copy-rate.ts";
import { httpEnqueue } from "./cases/http-enqueue.ts";
import { catalogGrowth, search } from "./cases/large-catalog.ts";
import { memory, memoryOverTime } from "./cases/memory.ts";
import { pipelineRate } from "./cases/pipeline-rate.ts";
import { startHelp, startWorker } from "./cases/start.ts";
import { utilisation } from "./cases/utilisation.ts";

export const CASES: readonly Case[] = [
  utilisation,
  pipelineRate,
  copyRate,
  copyDelay,
  memory,
  memoryOverTime,
  bulk,
  bulkMillion,
  catalogGrowth,
  search,
  startHelp,
  startWorker,
  httpEnqueue,
];

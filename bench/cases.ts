// Every case, in the order of the table.
import type { Case } from "./case.ts";
import { pipelineRate } from "./cases/pipeline-rate.ts";

export const CASES: readonly Case[] = [pipelineRate];

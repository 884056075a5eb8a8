// Runs one job as a list of named steps over one value. A step returns undefined to continue, or an outcome to end the job.
import type { OnStep } from "./ports.ts";
import type { Outcome } from "./verdict.ts";

/** One step. The process may be killed between any two; the next run resumes from the record. */
export interface Step<Run, Result> {
  name: string;
  do(run: Run): Promise<Outcome<Result> | undefined>;
}

/** Runs the steps in order until one of them ends the job. The last one must. */
export async function runSteps<Run extends { requestId: string; onStep: OnStep }, Result>(
  steps: readonly Step<Run, Result>[],
  run: Run,
): Promise<Outcome<Result>> {
  for (const step of steps) {
    const outcome = await step.do(run);
    await run.onStep(step.name, run.requestId);
    if (outcome !== undefined) return outcome;
  }
  throw new Error(`Bug: the steps of request "${run.requestId}" returned no outcome`);
}

// Waiting for reproductions on the command line: live on a terminal, quiet in a pipe; Ctrl-C leaves them to a worker.
import type { App } from "../../app/app.ts";
import type { RequestDetail } from "../../domain/records.ts";
import { formatDuration } from "../../domain/units.ts";
import { type Followed, followReproductions } from "../../maintenance/reproduce/follow.ts";
import { toProofView } from "../../output/report/proof-view.ts";
import { commandName, EXIT, printJson, writeError, writeOutput } from "../io.ts";
import { createProgress } from "../live-view.ts";
import { reproductionLines } from "./text.ts";

/** Follows them, prints each, and gives the exit code: 0 when every one has been compared. */
export async function followAndShow(
  app: App,
  { ids, batchId }: { ids: readonly string[]; batchId: string | undefined },
  { signal, json }: { signal: AbortSignal; json: boolean },
): Promise<number> {
  const progress = createProgress(process.stderr);
  const begun = app.clock.now();
  const onLook = ({ ended, of }: { ended: number; of: number }) =>
    progress.show(
      () => `${ended} of ${of} have ended  ${formatDuration(app.clock.now() - begun)}  (Ctrl-C leaves them running)`,
    );
  const { why, details } = await followReproductions(app, ids, { signal, batchId, onLook }).finally(() =>
    progress.end(),
  );
  for (const detail of details) {
    if (json) printJson(toReproductionLine(detail));
    else for (const line of reproductionLines(detail)) writeOutput(line);
  }
  if (why !== "ended") writeError(REASONS[why](batchId));
  if (why === "aborted") return EXIT.interrupted;
  return details.every(({ proof }) => proof !== null && proof.outcome !== "incomparable") ? EXIT.done : EXIT.failed;
}

/** The JSON line of a reproduction; the fields are a promise. */
function toReproductionLine({ request, proof }: RequestDetail) {
  const { request_id, reproduces, state, error } = request;
  return { request_id, reproduces, state, error, proof: proof === null ? null : toProofView(proof) };
}

const LATER = "what is accepted is made and compared by any worker that runs";

const REASONS: Record<Exclude<Followed, "ended">, (batchId: string | undefined) => string> = {
  aborted: () => `They go on: ${LATER}; see: ${commandName()} catalog reproduce --report`,
  no_worker: () => `No worker lives, so nothing was waited for; ${LATER}: ${commandName()} worker`,
  held: (batchId) =>
    `The budget is used up by calls that had to be made again, or somebody has paused or cancelled it; see: ${commandName()} status --batch ${batchId}`,
};

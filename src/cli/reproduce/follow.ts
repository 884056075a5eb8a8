// Waiting for reproductions on the command line: live on a terminal, quiet in a pipe; Ctrl-C leaves them to a worker.
import type { App } from "../../app.ts";
import type { RequestDetail } from "../../pipeline/records.ts";
import { toProofView } from "../../report/proof-view.ts";
import { type Followed, followReproductions } from "../../reproduce/follow.ts";
import { showDuration } from "../../units.ts";
import { callAs, EXIT, print, printJson, say } from "../io.ts";
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
      () => `${ended} of ${of} have ended  ${showDuration(app.clock.now() - begun)}  (Ctrl-C leaves them running)`,
    );
  const { why, details } = await followReproductions(app, ids, { signal, batchId, onLook }).finally(() =>
    progress.end(),
  );
  for (const detail of details) {
    if (json) printJson(toReproductionLine(detail));
    else for (const line of reproductionLines(detail)) print(line);
  }
  if (why !== "ended") say(REASONS[why](batchId));
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
  aborted: () => `They go on: ${LATER}; see: ${callAs()} catalog reproduce --report`,
  no_worker: () => `No worker lives, so nothing was waited for; ${LATER}: ${callAs()} worker`,
  held: (batchId) =>
    `The budget is used up by calls that had to be made again, or somebody has paused or cancelled it; see: ${callAs()} status --batch ${batchId}`,
};

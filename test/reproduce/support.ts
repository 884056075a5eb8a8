// What the tests of reproductions share.
import type { RequestDetail } from "../../src/pipeline/records.ts";
import type { SubmissionInput } from "../../src/request/submission.ts";
import { submit, waitForEnd } from "../../src/submit.ts";
import type { World } from "../support/world.ts";

/** Asks for it and waits until it is archived; throws where it ends otherwise. */
export async function archive({ app }: World, request: SubmissionInput): Promise<RequestDetail> {
  const { request_id } = (await submit(app, request)).request;
  const ended = await waitForEnd(app, request_id, AbortSignal.timeout(60_000));
  if (ended?.request.state !== "archived") throw new Error(`Got ${ended?.request.state}, wanted it archived`);
  return ended;
}

// What the tests of reproductions share.

import { submit, waitForEnd } from "../../../src/app/submit.ts";
import type { RequestDetail } from "../../../src/domain/records.ts";
import type { SubmissionInput } from "../../../src/domain/request/submission-input.ts";
import type { World } from "../../support/world.ts";

/** Asks for it and waits until it is archived; throws where it ends otherwise. */
export async function archive({ app }: World, request: SubmissionInput): Promise<RequestDetail> {
  const { request_id } = (await submit(app, request)).request;
  const ended = await waitForEnd(app, request_id, AbortSignal.timeout(60_000));
  if (ended?.request.state !== "archived") throw new Error(`Got ${ended?.request.state}, wanted it archived`);
  return ended;
}

// Asks for recipes again. A reproduction is a request like any other, so that everything that holds for requests holds for
// it; what it is to be compared with stands in its row from the first commit on.
import { createHash, randomUUID } from "node:crypto";
import type { App } from "../../app/app.ts";
import { submit } from "../../app/submit.ts";
import type { NewBatch } from "../../catalog/batches/batches.ts";
import { levelOf, RejectedError, toMessage } from "../../domain/errors.ts";
import type { RequestRecord } from "../../domain/records.ts";
import { canonicalDigest } from "../../domain/request/canonical-json.ts";
import type { Recipe } from "../../domain/request/recipe.ts";
import { parseSubmission, toRequest } from "../../domain/request/submission.ts";
import type { SubmissionInput } from "../../domain/request/submission-input.ts";
import { openBatchQueue } from "../../queue/batch-jobs.ts";

/** Where reproductions belong, unless somebody says otherwise. */
export const REPRODUCTIONS = "reproductions";

/** An original: archived, and no reproduction itself. */
export type Original = RequestRecord & { recipe: Recipe };

/** The request to re-make. Throws RejectedError where there is none, or nothing that could be compared with. */
export async function findOriginal(app: App, requestId: string): Promise<Original> {
  const request = (await app.catalog().find(requestId))?.request;
  if (request === undefined) throw refused(requestId, "the catalog does not know it", "request_not_found");
  if (request.reproduces !== null)
    throw refused(requestId, `it is a reproduction itself; wanted its original, "${request.reproduces}"`);
  if (request.recipe === null || request.state !== "archived")
    throw refused(requestId, `it is ${request.state}; wanted an archived request`);
  return { ...request, recipe: request.recipe };
}

function refused(requestId: string, why: string, code = "not_reproducible"): RejectedError {
  return new RejectedError(`Cannot reproduce request "${requestId}": ${why}`, { code });
}

/** Accepts a reproduction of each and puts it into the queue; resolves to their ids, in order. */
export async function askAgain(
  app: App,
  originals: readonly Original[],
  { collection }: { collection: string },
): Promise<string[]> {
  const ids: string[] = [];
  for (const original of originals) {
    const submission = toReproduction(original, { collection, now: app.clock.now() });
    const { request } = await submit(app, submission, { reproduces: original.request_id });
    ids.push(request.request_id);
  }
  return ids;
}

/**
 * The same as a batch, whose budget the catalog itself holds: also a call that has to be made twice, because nobody
 * learnt how the first one ended, never brings the spending above `maxImages`.
 */
export async function askWithin(
  app: App,
  originals: readonly Original[],
  { collection, maxImages }: { collection: string; maxImages: number },
): Promise<{ batchId: string; ids: string[] }> {
  // fails here when Redis is away, and then nothing was accepted
  const queue = await openBatchQueue({ redisUrl: app.settings.redisUrl, prefix: app.settings.queuePrefix });
  try {
    const now = app.clock.now();
    const batch = toBatch(app, { now, items: originals.length, maxImages });
    const batchId = batch.batch_id;
    const taken = await app.catalog().batches.acceptWhole(batch, toItems(originals, { collection, now }));
    const ids = taken.map(({ request_id }) => request_id);
    // from here on they are accepted: a Redis that fails just now is made good by the workers' upkeep
    await queue
      .add(ids.map((request_id) => ({ request_id, batch_id: batchId })))
      .catch((error) =>
        app.log[levelOf(error)]({ error: toMessage(error) }, "recorded; the queue will hear of it later"),
      );
    return { batchId, ids };
  } finally {
    await queue.close();
  }
}

function toItems(originals: readonly Original[], options: { collection: string; now: number }) {
  return originals.map((original, at) => {
    const submission = parseSubmission(toReproduction(original, options));
    const request = toRequest(submission, { requestId: submission.request_id ?? "", random: Math.random });
    return { item: at + 1, request, reproduces: original.request_id };
  });
}

/** A batch of reproductions alone, under a name of its own. */
function toBatch(
  app: App,
  { now, items, maxImages }: { now: number; items: number; maxImages: number },
): NewBatch & { batch_id: string } {
  const batch_id = `${REPRODUCTIONS}-${compact(now).slice(0, 15)}-${randomUUID().slice(0, 4)}`;
  const price = app.settings.pricePerImage;
  return {
    batch_id,
    name: REPRODUCTIONS,
    manifest: "catalog reproduce",
    manifest_digest: canonicalDigest([batch_id]),
    schedule: null,
    items,
    invalid: 0,
    max_images: maxImages,
    ...(price !== undefined && { price_micros: price.micros, price_currency: price.currency }),
  };
}

/** What is asked for: the very recipe, by the same form of answer, whatever is archived of it. */
function toReproduction(original: Original, { collection, now }: { collection: string; now: number }): SubmissionInput {
  return {
    request_id: reproductionId(original.request_id, now),
    ...original.recipe,
    response_format: original.response_format,
    collection,
    metadata: { reproduces: original.request_id },
    reuse: false,
  };
}

const ID_MAX_LENGTH = 100;

/** `<original>.r<time>`; a long original is cut, and told apart from its likes by a few digits of its hash. */
export function reproductionId(originalId: string, now: number): string {
  const suffix = `.r${compact(now)}`;
  const room = ID_MAX_LENGTH - suffix.length;
  if (originalId.length <= room) return originalId + suffix;
  const hash = createHash("sha256").update(originalId).digest("hex").slice(0, 8);
  return `${originalId.slice(0, room - hash.length - 1)}_${hash}${suffix}`;
}

/** `20261126T042110.123Z`. */
function compact(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]/g, "");
}

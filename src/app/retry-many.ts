// Bringing many requests back at once: those that a filter finds, with a count and a price before anything is done.

import type { SearchQuery } from "../catalog/search/search.ts";
import type { RequestRecord } from "../domain/records.ts";
import { type Money, toMoney } from "../domain/units.ts";
import { forgetEndJobs, putBackJobs } from "../queue/batch-jobs.ts";
import type { App } from "./app.ts";

/** Which requests: all that fit everything that is named. What is parked may have been paid, so it has to be named. */
export interface RetryFilter {
  /** Default: failed. */
  state?: "failed" | "parked" | undefined;
  collection?: string | undefined;
  batch?: string | undefined;
  /** The code of their error. */
  code?: string | undefined;
  /** Words of their prompts, as in a search. */
  search?: string | undefined;
}

/** What a retry of many does, or would do. */
export interface RetryManyResult {
  action: "retry";
  dry_run: boolean;
  /** Requests that are brought back. */
  requests: number;
  /** Of these, requests that the API is called for, and the images they ask for; the others are only copied. */
  pays: number;
  images: number;
  /** What those images cost; null where no price is set. */
  price: Money | null;
  /** Requests that fit and cannot be brought back, since their data never fitted. */
  not_retryable: number;
}

/** Requests in one page: what one look at the queues carries well. */
const PAGE = 500;

/** Counts what a retry would bring back and what that costs, and does it unless `dryRun`. Throws when Redis is away. */
export async function retryMany(
  app: App,
  filter: RetryFilter,
  { dryRun }: { dryRun: boolean },
): Promise<RetryManyResult> {
  if (!dryRun) await (await app.queues()).ping();
  const done = { requests: 0, pays: 0, images: 0, not_retryable: 0 };
  for (const page of await findPages(app, filter)) {
    const able = page.filter((request) => request.recipe !== null);
    done.not_retryable += page.length - able.length;
    const missing = app.catalog().countMissingImages(able.map(({ request_id }) => request_id));
    const back = dryRun ? able : await bringBack(app, able);
    for (const { request_id } of back) {
      const images = missing.get(request_id) ?? 0;
      done.requests += 1;
      done.pays += images > 0 ? 1 : 0;
      done.images += images;
    }
  }
  const { pricePerImage } = app.settings;
  const price = pricePerImage && toMoney({ ...pricePerImage, micros: pricePerImage.micros * done.images });
  return { action: "retry", dry_run: dryRun, ...done, price: price ?? null };
}

/** All that fit, before one of them changes: a request that is brought back no longer fits. */
async function findPages(
  app: App,
  { search: text, state = "failed", ...rest }: RetryFilter,
): Promise<RequestRecord[][]> {
  const catalog = app.catalog();
  if (text !== undefined) await catalog.indexTexts();
  const query: SearchQuery = { ...rest, text, state };
  const pages: RequestRecord[][] = [];
  let cursor: string | undefined;
  do {
    const page = catalog.search(query, { sort: "oldest", limit: PAGE, cursor });
    pages.push(page.items.map(({ request }) => request));
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return pages;
}

/** Those that this call brought back: somebody else may have been quicker. */
async function bringBack(app: App, page: readonly RequestRecord[]): Promise<RequestRecord[]> {
  const catalog = app.catalog();
  const queues = await app.queues();
  const { redisUrl } = app.settings;
  const ends = await Promise.all(page.map(({ request_id }) => catalog.retry(request_id)));
  const back = page.flatMap((request, index) => {
    const end = ends[index];
    if (end === undefined) return [];
    return [{ ...request, state: end.stage === "archive" ? ("copying" as const) : ("queued" as const) }];
  });
  try {
    await forgetEndJobs(queues, back, redisUrl);
    await putBackJobs(queues, back, redisUrl);
  } catch (error) {
    // it is on record: maintenance adds the jobs as soon as Redis is back
    app.log.warn({ error: String(error) }, "recorded, not enqueued yet; maintenance enqueues it");
  }
  return back;
}

// How the requests of a demo stand, and whether each ended as it was meant to. Pure.

import type { RequestDetail } from "../../domain/records.ts";
import { isTerminal } from "../../pipeline/archive.ts";
import type { DemoPrompt } from "./prompts.ts";

/** One request of the demo with what the catalog knows of it. */
export interface Standing {
  prompt: DemoPrompt;
  detail: RequestDetail;
}

/** Whether it has come to its end. */
export function isOver({ detail }: Standing): boolean {
  return isTerminal(detail.request.state) || detail.request.state === "parked";
}

/** Why a request did not end as it was meant to; undefined when it did. */
export function findSurprise({ prompt, detail }: Standing): string | undefined {
  const { state, error, reused_from } = detail.request;
  const { expect } = prompt;
  const reason = error === null ? "" : ` (${error.code}: ${error.message})`;
  if (state !== expect.state) return `is ${state}${reason}, wanted ${expect.state}`;
  if (expect.code !== undefined && error?.code !== expect.code) return `failed${reason}, wanted ${expect.code}`;
  if (expect.reusedFrom !== undefined && reused_from === null) return "was paid for, wanted an answer from the catalog";
  if (detail.calls.length < (expect.calls ?? 0))
    return `took ${detail.calls.length} calls, wanted at least ${expect.calls}`;
  const archived = detail.images.filter((image) => image.digest !== null).length;
  const wanted = state === "archived" ? (detail.request.recipe?.n ?? 0) : 0;
  return archived === wanted ? undefined : `has ${archived} images archived, wanted ${wanted}`;
}

export interface Sums {
  requests: number;
  over: number;
  archived: number;
  failed: number;
  calls: number;
  refused: number;
  images: number;
  /** Images that were answered from the catalog instead of being made. */
  reused: number;
  bytes: number;
}

/** The figures of the demo. Bytes count what is new in the store: a reused image takes no room. */
export function sum(standings: readonly Standing[]): Sums {
  const sums = {
    requests: standings.length,
    over: 0,
    archived: 0,
    failed: 0,
    calls: 0,
    refused: 0,
    images: 0,
    reused: 0,
    bytes: 0,
  };
  for (const standing of standings) {
    const { request, calls, images, assets } = standing.detail;
    sums.over += isOver(standing) ? 1 : 0;
    sums.archived += request.state === "archived" ? 1 : 0;
    sums.failed += request.state === "failed" ? 1 : 0;
    sums.calls += calls.length;
    sums.refused += calls.filter((call) => call.state === "refused").length;
    const archived = images.filter((image) => image.digest !== null).length;
    if (request.reused_from !== null) {
      sums.reused += archived;
      continue;
    }
    sums.images += archived;
    sums.bytes += assets.reduce((total, asset) => total + asset.bytes, 0);
  }
  return sums;
}

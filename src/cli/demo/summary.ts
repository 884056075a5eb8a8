// What a demo brought: for a person as a list of pictures with paths that open, for a machine as one document. Pure.
import type { RequestDetail } from "../../domain/records.ts";
import { formatDuration, formatSize } from "../../domain/units.ts";
import { toRequestView } from "../../output/report/request-view.ts";
import { plain, style } from "../text.ts";
import { findSurprise, type Standing, sum } from "./outcome.ts";

export interface SummaryOptions {
  elapsedMs: number;
  /** From a key to the file's path. */
  locate(key: string): string;
}

/** The list of pictures, each request under its number, and one line of figures. */
export function toSummaryLines(standings: readonly Standing[], options: SummaryOptions): string[] {
  const sums = sum(standings);
  const surprises = standings.flatMap((standing) => toSurprise(standing));
  const lines = standings.flatMap((standing) => toEntry(standing, options));
  const images = `${sums.images} images (${formatSize(sums.bytes)})`;
  const planned = surprises.length === 0 ? `${sums.failed} failed, as planned` : `${surprises.length} went another way`;
  const free = sums.reused === 0 ? "" : `, ${sums.reused} more from the catalog at no cost,`;
  const total = `${sums.archived} of ${sums.requests} requests archived with ${images}${free} in ${formatDuration(options.elapsedMs)}; ${planned}`;
  return [...lines, "", style("bold", total), ...surprises];
}

/** Where the pictures are seen best: the last line of a demo. */
export function toPageLine(url: string, staysOpen: boolean): string {
  const address = style("bold", url);
  if (staysOpen) return `See the pictures at ${address} (until Ctrl-C)`;
  return `See the pictures at ${address}: in a terminal, without --exit, the demo keeps the page open`;
}

function toEntry(standing: Standing, options: SummaryOptions): string[] {
  const { prompt, detail } = standing;
  const head = `${String(prompt.number).padStart(2)}  ${style("bold", plain(prompt.submission.prompt))}`;
  const { error, recipe, reused_from } = detail.request;
  if (detail.assets.length === 0)
    return [head, `    ${style("yellow", plain(error?.message ?? detail.request.state))}`];
  const facts = [
    toSizes(detail),
    `seed ${recipe?.seed}`,
    toCalls(detail),
    ...(reused_from === null ? [] : [`same recipe as no. ${prompt.expect.reusedFrom}`]),
  ];
  return [
    head,
    `    ${style("gray", facts.join(", "))}`,
    ...toPaths(detail).map((key) => `    ${options.locate(key)}`),
  ];
}

function toSizes({ assets }: RequestDetail): string {
  const [first] = assets;
  const bytes = assets.reduce((total, asset) => total + asset.bytes, 0);
  return `${first?.width}×${first?.height}, ${formatSize(bytes)}`;
}

function toCalls({ calls }: RequestDetail): string {
  return calls.length === 0 ? "no call" : `${calls.length} ${calls.length === 1 ? "call" : "calls"}`;
}

function toPaths({ images, assets }: RequestDetail): string[] {
  const keys = new Map(assets.map((asset) => [asset.digest, asset.key]));
  return images.flatMap((image) => keys.get(image.digest ?? "") ?? []);
}

function toSurprise(standing: Standing): string[] {
  const surprise = findSurprise(standing);
  return surprise === undefined ? [] : [style("red", `No. ${standing.prompt.number} ${surprise}`)];
}

/** The same for machines. `ok` says whether every request ended as it was meant to. */
export function toSummaryJson(
  standings: readonly Standing[],
  options: SummaryOptions & { url: string; settings: object },
) {
  const sums = sum(standings);
  return {
    ok: standings.every((standing) => findSurprise(standing) === undefined),
    elapsed_ms: Math.round(options.elapsedMs),
    url: options.url,
    settings: options.settings,
    ...sums,
    results: standings.map((standing) => {
      const view = toRequestView(standing.detail);
      const assets = view.assets.map((asset) => ({ ...asset, path: options.locate(asset.key) }));
      return { ...view, assets, expected: standing.prompt.expect.state, surprise: findSurprise(standing) ?? null };
    }),
  };
}

// What all proofs together say about a model: the curve over the time at which originals were made, and the times at which
// the provider must have changed it. Pure; times: ms since 1970.
import type { Likeness, Proof } from "../../domain/records.ts";
import { type CurveStep, stepFor, stepsBetween } from "./calendar.ts";

/** Images of originals that were made in one step of time. Only the newest proof of each original counts. */
export interface CurvePoint extends Record<Likeness, number> {
  from: number;
  /** Mean distance of the perceptual hashes, identical ones counted as 0; null where nothing was compared. */
  mean_distance: number | null;
}

/**
 * The model was changed after `after` and not later than `before`: so say proofs whose original came before it and whose
 * reproduction after it. `contradicted` where others came out the same all across that time: then the provider does not
 * repeat itself, change or no change.
 */
export interface ModelChangeWindow {
  after: number;
  before: number;
  /** `pixels`: no longer the same pixels. `picture`: no longer a picture that looks the same. */
  of: "pixels" | "picture";
  contradicted: boolean;
}

export interface Drift {
  originals: number;
  proofs: number;
  step: CurveStep;
  curve: CurvePoint[];
  changes: ModelChangeWindow[];
}

type Witness = Pick<Proof, "original_id" | "outcome" | "generated_at" | "original_generated_at" | "images">;

/** Draws the curve and finds the changes. `proofs` are those of one model. */
export function toDrift(proofs: readonly Witness[]): Drift {
  const newest = newestOfEach(proofs);
  const times = newest.map((proof) => proof.original_generated_at);
  // as many as there are proofs: more than a call takes as its arguments
  const first = times.reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY);
  const last = times.reduce((most, time) => Math.max(most, time), Number.NEGATIVE_INFINITY);
  const step = stepFor(last - first);
  const from = newest.length === 0 ? [] : stepsBetween({ first, last }, step);
  const points = from.map((start, at) => toPoint(newest, { start, end: from[at + 1] ?? Number.POSITIVE_INFINITY }));
  return { originals: newest.length, proofs: proofs.length, step, curve: points, changes: findAllChanges(proofs) };
}

function newestOfEach(proofs: readonly Witness[]): Witness[] {
  const newest = new Map<string, Witness>();
  for (const proof of proofs) {
    const known = newest.get(proof.original_id);
    if (known === undefined || known.generated_at <= proof.generated_at) newest.set(proof.original_id, proof);
  }
  return [...newest.values()];
}

function toPoint(proofs: readonly Witness[], { start, end }: { start: number; end: number }): CurvePoint {
  const images = proofs
    .filter(({ original_generated_at: made }) => made >= start && made < end)
    .flatMap((proof) => proof.images);
  const of = (outcome: Likeness) => images.filter((image) => image.outcome === outcome).length;
  const compared = images.filter((image) => image.outcome !== "incomparable");
  const sum = compared.reduce((total, image) => total + (image.distance ?? 0), 0);
  return {
    from: start,
    identical_bytes: of("identical_bytes"),
    identical_pixels: of("identical_pixels"),
    near: of("near"),
    drifted: of("drifted"),
    incomparable: of("incomparable"),
    mean_distance: compared.length === 0 ? null : sum / compared.length,
  };
}

const SAME_PIXELS: readonly Likeness[] = ["identical_bytes", "identical_pixels"];
const SAME_PICTURE: readonly Likeness[] = [...SAME_PIXELS, "near"];

// what changes the picture changes its pixels: it is told once, as the graver of the two
function findAllChanges(proofs: readonly Witness[]): ModelChangeWindow[] {
  const spans = proofs
    .filter((proof) => proof.outcome !== "incomparable")
    .map(({ original_generated_at: from, generated_at: to, outcome }) => ({ from, to, outcome }));
  const judged = (same: readonly Likeness[]) =>
    findChanges(spans.map(({ from, to, outcome }) => ({ from, to, same: same.includes(outcome) })));
  const pictures = judged(SAME_PICTURE);
  const pixels = judged(SAME_PIXELS).filter(
    (one) => !pictures.some((other) => one.after < other.before && other.after < one.before),
  );
  return [
    ...pictures.map((one) => ({ ...one, of: "picture" as const })),
    ...pixels.map((one) => ({ ...one, of: "pixels" as const })),
  ].sort((a, b) => a.after - b.after);
}

/** From when an original was made to when its recipe was asked for again, and whether the same came. */
export interface Span {
  from: number;
  to: number;
  same: boolean;
}

/**
 * The fewest changes that explain what came out differently: spans that overlap share one, which lies where all of them
 * do. From that time is taken what spans cover whose ends came out the same: no change can lie in those.
 */
export function findChanges(spans: readonly Span[]): Omit<ModelChangeWindow, "of">[] {
  const unchanged = spans.filter((span) => span.same && span.from < span.to);
  const changed = spans.filter((span) => !span.same).sort((a, b) => a.to - b.to);
  const windows: { after: number; before: number }[] = [];
  for (const { from, to } of changed) {
    const shared = windows.at(-1);
    if (shared !== undefined && from < shared.before) shared.after = Math.max(shared.after, from);
    else windows.push({ after: from, before: to });
  }
  return windows.map((window) => narrow(window, unchanged));
}

function narrow(window: { after: number; before: number }, unchanged: readonly Span[]): Omit<ModelChangeWindow, "of"> {
  const left = unchanged.reduce((parts, span) => parts.flatMap((part) => without(part, span)), [window]);
  const [first, last] = [left.at(0), left.at(-1)];
  if (first === undefined || last === undefined) return { ...window, contradicted: true };
  return { after: first.after, before: last.before, contradicted: false };
}

function without(part: { after: number; before: number }, { from, to }: Span): { after: number; before: number }[] {
  return [
    { after: part.after, before: Math.min(part.before, from) },
    { after: Math.max(part.after, to), before: part.before },
  ].filter(({ after, before }) => after < before);
}

// How proofs of reproductions look to whoever asks, as JSON: the fields are a promise. Pure.
import type { ImageProof, Likeness, Proof, RequestState } from "../../domain/records.ts";
import type { CurveStep } from "./calendar.ts";
import { type CurvePoint, type ModelChangeWindow, toDrift } from "./drift.ts";

/** A proof. Times are ISO 8601. */
export interface ProofView {
  outcome: Likeness;
  compared_at: string;
  generated_at: string;
  original_generated_at: string;
  images: ImageProof[];
}

export function toProofView({ outcome, images, ...proof }: Proof): ProofView {
  return {
    outcome,
    compared_at: iso(proof.compared_at),
    generated_at: iso(proof.generated_at),
    original_generated_at: iso(proof.original_generated_at),
    images,
  };
}

/** A reproduction as its original tells of it. */
export interface ReproductionView {
  request_id: string;
  state: RequestState;
  created_at: string;
  outcome: Likeness | null;
  compared_at: string | null;
}

export function toReproductionView(one: {
  request_id: string;
  state: RequestState;
  created_at: number;
  outcome: Likeness | null;
  compared_at: number | null;
}): ReproductionView {
  const { created_at, compared_at, ...rest } = one;
  return { ...rest, created_at: iso(created_at), compared_at: compared_at === null ? null : iso(compared_at) };
}

/** What the proofs say about one model. */
export interface DriftView {
  model: string;
  originals: number;
  proofs: number;
  step: CurveStep;
  curve: (Omit<CurvePoint, "from"> & { from: string })[];
  changes: (Omit<ModelChangeWindow, "after" | "before"> & { after: string; before: string })[];
}

export interface DriftReport {
  models: DriftView[];
  proofs: (ProofView & { request_id: string; reproduces: string; model: string })[];
}

/** The report of all proofs, model by model. */
export function toDriftReport(proofs: readonly (Proof & { model: string })[]): DriftReport {
  const models = [...Map.groupBy(proofs, (proof) => proof.model)].map(([model, own]): DriftView => {
    const { curve, changes, ...drift } = toDrift(own);
    return {
      model,
      ...drift,
      curve: curve.map((point) => ({ ...point, from: iso(point.from).slice(0, 10) })),
      changes: changes.map((one) => ({ ...one, after: iso(one.after), before: iso(one.before) })),
    };
  });
  const all = proofs.map((proof) => {
    const { request_id, original_id: reproduces, model } = proof;
    return { request_id, reproduces, model, ...toProofView(proof) };
  });
  return { models, proofs: all };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

// What the demo asks for, and how each request is meant to end. Data only.
import type { SubmissionInput } from "../../domain/request/submission-input.ts";

/** One request of the demo. `expect` is how it must end for the demo to have gone well. */
export interface DemoPrompt {
  number: number;
  submission: SubmissionInput;
  expect: {
    state: "archived" | "failed";
    /** The code of the failure that is meant. */
    code?: string;
    /** Answered from the catalog by the request with this number, without a call. */
    reusedFrom?: number;
    /** Not answered before so many calls. */
    calls?: number;
  };
}

type Row = Omit<SubmissionInput, "request_id"> & { expect?: DemoPrompt["expect"] };

/** `run` tells one demo from the next: its ids and explicit seeds are new, or everything would be answered from the catalog. */
export function toDemoPrompts(run: { id: string; seed: number }): DemoPrompt[] {
  return rows(run.seed).map(({ expect = { state: "archived" }, ...row }, index) => {
    const number = index + 1;
    const request_id = `demo-${run.id}-${String(number).padStart(2, "0")}`;
    return { number, submission: { ...row, request_id, collection: "demo", metadata: { demo: run.id } }, expect };
  });
}

const TRAM = "a bauhaus poster of a city tram";

function rows(seed: number): Row[] {
  return [
    { prompt: TRAM, aspect_ratio: "3:4", seed, tags: ["poster"] },
    { prompt: "a red fox in the grass, wind in its fur", aspect_ratio: "16:9", n: 2 },
    { prompt: "a lighthouse at dusk, long exposure", aspect_ratio: "2:3", steps: 40 },
    { prompt: "mountains at sunrise, layers of mist", aspect_ratio: "21:9", n: 2, negative_prompt: "people" },
    {
      prompt: "[flaky] a starry night over a quiet town",
      aspect_ratio: "16:9",
      // the sandbox fails a flaky recipe once, and one left over from a killed demo must not use that up
      steps: 10 + (seed % 40),
      guidance_scale: 1 + (seed % 89) / 10,
      expect: { state: "archived", calls: 2 },
    },
    { prompt: "月下荷花，水墨", aspect_ratio: "9:16", guidance_scale: 4 },
    {
      prompt: "[reject] what a content policy forbids",
      expect: { state: "failed", code: "content_policy_violation" },
    },
    { prompt: "soap bubbles and fruit on a white table", n: 4, tags: ["still life"] },
    { prompt: "a cathedral window with a heron", aspect_ratio: "9:21", response_format: "b64_json" },
    {
      prompt: "a painting by a model that does not exist",
      model: "Qwen/No-Such-Model",
      expect: { state: "failed", code: "model_not_found" },
    },
    { prompt: "peonies, botanical plate", aspect_ratio: "3:2" },
    { prompt: TRAM, aspect_ratio: "3:4", seed, tags: ["poster"], expect: { state: "archived", reusedFrom: 1 } },
  ];
}

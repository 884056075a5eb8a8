// Records as the catalog would give them, for tests of what is pure.
import type { Asset, Call, Image, RequestDetail } from "../../src/domain/records.ts";

export const RECIPE = {
  model: "Qwen/Qwen-Image",
  prompt: "a red fox",
  negative_prompt: "",
  aspect_ratio: "1:1",
  n: 4,
  seed: 42,
  steps: 20,
  guidance_scale: 2.5,
} as const;

/** A request for n images, of which these have come. */
export function detail(n: number, came: readonly number[] = []): RequestDetail {
  const request = { request_id: "r", recipe_id: "c0ffee", recipe: { ...RECIPE, n }, state: "generating", attempt: 0 };
  const images = came.map((index) => image({ index }));
  return { request, calls: [], generations: [], images, assets: [] } as unknown as RequestDetail;
}

export function image(fields: Partial<Image>): Image {
  const url = "https://images.test/0.png?sig=secret";
  return {
    request_id: "r",
    index: 0,
    call_number: 1,
    url,
    spool_file: null,
    expires_at: 9_000,
    digest: null,
    archived_at: null,
    ...fields,
  };
}

export function call(fields: Partial<Call> = {}): Call {
  return {
    request_id: "r",
    number: 1,
    state: "sent",
    n: 4,
    seed: 42,
    worker_id: "w",
    sent_at: 1,
    ended_at: null,
    http_status: null,
    api_request_id: null,
    error: null,
    ...fields,
  } as Call;
}

export function asset(digest: string): Asset {
  return {
    digest,
    key: `images/${digest}`,
    bytes: 1,
    content_type: "image/png",
    width: 1,
    height: 1,
    archived_at: 2,
  } as Asset;
}

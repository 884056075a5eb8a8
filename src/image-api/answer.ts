// From the API's JSON to an Answer, or what it is instead. Pure; everything unknown is checked here.
// The form: {"created": 1750667997, "data": [{"url": "…", "b64_json": "data:image/png;base64,…"}], "usage": {…}}
import { z } from "zod";
import type { Answer } from "../pipeline/ports.ts";
import { toRecordable } from "../request/bounded-json.ts";

/** What a body of a 2xx turned out to be. */
export type Reading =
  | { kind: "answer"; answer: Pick<Answer, "created" | "images" | "usage"> }
  /** `data` is there and holds nothing. */
  | { kind: "empty" }
  /** No images but the error form. */
  | { kind: "error" }
  /** JSON, and neither images nor an error: they may have been made and lost on the way. */
  | { kind: "malformed" };

const text = z.string().optional().catch(undefined);
const answerSchema = z.object({
  created: z.number().optional().catch(undefined),
  data: z.array(z.object({ url: text, b64_json: text }).catch({})),
  // any depth: the schema must not walk into it
  usage: z.unknown().optional(),
});
const errorSchema = z.union([
  z.object({ error: z.union([z.looseObject({}), z.string().min(1)]) }),
  // some gateways leave the envelope out
  z.object({ message: z.string(), data: z.null().optional() }),
]);

/** Reads a parsed body. `nowMs` stands in for a `created` that is missing or absurd. */
export function readAnswer(json: unknown, nowMs: number): Reading {
  const parsed = answerSchema.safeParse(json);
  const images = parsed.success ? parsed.data.data.map(toImage).filter((image) => image !== undefined) : [];
  // images beside an error are images: they are paid for
  if (parsed.success && images.length > 0) {
    return {
      kind: "answer",
      answer: { created: toCreated(parsed.data.created, nowMs), images, usage: toRecordable(parsed.data.usage) },
    };
  }
  if (errorSchema.safeParse(json).success) return { kind: "error" };
  return { kind: parsed.success && parsed.data.data.length === 0 ? "empty" : "malformed" };
}

/** An image with what can be used of it, or undefined where nothing can. */
function toImage(entry: {
  url?: string | undefined;
  b64_json?: string | undefined;
}): Answer["images"][number] | undefined {
  const isDataUrl = entry.url?.startsWith("data:");
  const bytes = parseBase64(entry.b64_json ?? (isDataUrl ? entry.url : undefined));
  const url = entry.url !== undefined && /^https?:\/\//i.test(entry.url) ? entry.url : undefined;
  if (bytes === undefined && url === undefined) return undefined;
  return { ...(url !== undefined && { url }), ...(bytes !== undefined && { bytes }) };
}

/** The bytes of base64 with or without a `data:…;base64,` prefix; undefined for what is none, or nothing. */
export function parseBase64(encoded: string | undefined): Buffer | undefined {
  if (encoded === undefined) return undefined;
  const body = encoded.replace(/^data:[^,]{0,200},/, "");
  const digits = (/\s/.test(body) ? body.replace(/\s+/g, "") : body).replace(/={1,2}$/, "");
  const bytes = Buffer.from(digits, "base64");
  // Node's decoder skips what it does not know, so a foreign character shows in the length
  const isWhole = digits.length % 4 !== 1 && bytes.length === Math.floor((digits.length * 3) / 4);
  return isWhole && bytes.length > 0 ? bytes : undefined;
}

const DAY_S = 24 * 60 * 60;

/**
 * `created` in seconds. The URLs' end is counted from it, so a value that cannot be the time of this answer (a
 * constant, milliseconds, 0) would kill images that live. A clock may be wrong by a day ahead and a month behind.
 */
function toCreated(created: number | undefined, nowMs: number): number {
  const now = Math.floor(nowMs / 1000);
  if (created === undefined || !Number.isFinite(created)) return now;
  return created >= now - 30 * DAY_S && created <= now + DAY_S ? Math.floor(created) : now;
}

// From what OpenAI's clients and the image API's own send to POST /v1/images/generations to our job form. Pure.
import { RejectedError } from "../domain/errors.ts";
import { ASPECT_RATIOS, type AspectRatio } from "../domain/request/recipe.ts";

/** OpenAI's parameters that mean nothing to this API: they are left out, and named in the answer. */
export const IGNORED_PARAMETERS = [
  "quality",
  "style",
  "user",
  "background",
  "moderation",
  "output_format",
  "output_compression",
  "partial_images",
] as const;

export interface ImagesForm {
  /** For the job form's own check; what is no object goes through as it is. */
  data: unknown;
  ignored: string[];
}

/** Takes the request apart. Throws RejectedError `invalid_request` for what cannot be done. */
export function toImagesForm(body: unknown): ImagesForm {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return { data: body, ignored: [] };
  // OpenAI's clients send null for "not set"
  const given = Object.entries(body).filter(([, value]) => value !== null);
  const ignored = given.map(([name]) => name).filter(isIgnored);
  const { size, stream, ...rest } = Object.fromEntries(given.filter(([name]) => !isIgnored(name)));
  if (stream !== undefined && stream !== false) throw invalid("stream", "wanted false: images are not streamed");
  const aspect_ratio = rest.aspect_ratio ?? toAspectRatio(size);
  return { data: { ...rest, ...(aspect_ratio === undefined ? {} : { aspect_ratio }) }, ignored };
}

function isIgnored(name: string): boolean {
  return (IGNORED_PARAMETERS as readonly string[]).includes(name);
}

/** Sizes further away from every ratio the API knows than this factor are refused: a banner is no square. */
const FURTHEST = 1.25;

function toAspectRatio(size: unknown): AspectRatio | undefined {
  if (size === undefined || size === "auto") return undefined;
  const [, width, height] = /^([1-9]\d{0,4})x([1-9]\d{0,4})$/.exec(typeof size === "string" ? size : "") ?? [];
  if (width === undefined || height === undefined) throw invalid("size", "wanted <width>x<height>, such as 1024x1024");
  const wanted = Number(width) / Number(height);
  const ranked = ASPECT_RATIOS.map((ratio) => ({ ratio, off: distance(ratio, wanted) })).sort((a, b) => a.off - b.off);
  const [best] = ranked;
  if (best !== undefined && best.off <= Math.log(FURTHEST)) return best.ratio;
  throw invalid("size", `wanted a shape near one of ${ASPECT_RATIOS.join(", ")}`);
}

function distance(ratio: AspectRatio, wanted: number): number {
  const [width = 1, height = 1] = ratio.split(":").map(Number);
  return Math.abs(Math.log(width / height / wanted));
}

function invalid(field: string, message: string): RejectedError {
  const text = `The request does not fit: ${field}: ${message}`;
  return new RejectedError(text, { code: "invalid_request", faults: [{ field, message }] });
}

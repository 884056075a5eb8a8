// What a producer may send, as a type that an editor explains: ranges and defaults on each field. Types only, so that it goes
// into the client without the schema library. A test holds it against the schema that checks.
import type { Json } from "./canonical-json.ts";
import type { AspectRatio } from "./recipe.ts";

/**
 * A request as its producer writes it: only `prompt` is required. A field that is not named here is refused, so that a
 * misspelt one costs nothing.
 */
export interface SubmissionInput {
  /**
   * Your own id: 1 to 100 of the characters `A-Z a-z 0-9 . _ -`, and neither `.` nor `..`. The same id with the same content
   * again changes nothing; with other content it is refused. Default: the client makes one.
   */
  request_id?: string | undefined;
  /** What should be in the picture: 1 to 32,768 characters, not only white space. */
  prompt: string;
  /** The model's name, 1 to 200 characters. Default `"Qwen/Qwen-Image"`. */
  model?: string | undefined;
  /** How many pictures of the one prompt: a whole number from 1 to 4. Default 1. */
  n?: number | undefined;
  /** Width to height: `21:9`, `16:9`, `4:3`, `3:2`, `1:1`, `2:3`, `3:4`, `9:16` or `9:21`. Default `"1:1"`. */
  aspect_ratio?: AspectRatio | undefined;
  /**
   * A whole number from 0 to 2^53 - 1; the same recipe with the same seed asks for the same picture. Default -1: a random
   * seed, which is recorded and kept through every retry.
   */
  seed?: number | undefined;
  /** Denoising steps: a whole number from 1 to 50. Default 20. */
  steps?: number | undefined;
  /** How closely the picture follows the prompt: 1 to 10. Default 2.5. */
  guidance_scale?: number | undefined;
  /** What should not be in the picture: at most 32,768 characters. Default `""`. */
  negative_prompt?: string | undefined;
  /** How the image API hands over its pictures: `"url"` or `"b64_json"`. Default `"url"`. What is archived is the same. */
  response_format?: "url" | "b64_json" | undefined;
  /** The named group in the catalog, 1 to 100 characters. Default `"default"`. */
  collection?: string | undefined;
  /** At most 50 tags of 1 to 100 characters each. Default none. */
  tags?: string[] | undefined;
  /** Anything you want to find beside the picture: any JSON, at most 16 KiB. Default `{}`. */
  metadata?: Json | undefined;
  /** Whether a recipe with a named seed that is archived already is answered from the catalog, at no cost. Default true. */
  reuse?: boolean | undefined;
  /** Notified when the request has ended: an http or https URL of at most 2,000 characters, without user and password. */
  webhook_url?: string | undefined;
}

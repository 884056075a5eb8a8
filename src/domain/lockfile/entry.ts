// The entries of a lock file: one for each request of a manifest, with its images. Pure; the format is public.
import { z } from "zod";
import { imageKey } from "../keys.ts";
import type { ImageFacts, ImageType } from "../records.ts";
import { RECORDED_ID_PATTERN } from "../request/request-id.ts";

/** The version of the format. */
export const LOCK_VERSION = 1;

/** The maximum length of the prompt in an entry, which is for people only. */
const PROMPT_PREFIX_LENGTH = 100;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "wanted a SHA-256: 64 lower-case hex digits");

const EXTENSIONS: Record<ImageType, ImageFacts["extension"]> = {
  "image/png": "png",
  "image/jpeg": "jpg",
  "image/webp": "webp",
};

const image = z
  .strictObject({
    index: z.int().min(0),
    digest: sha256,
    key: z.string(),
    bytes: z.int().min(1),
    content_type: z.enum(["image/png", "image/jpeg", "image/webp"]),
  })
  .superRefine(({ digest, key, content_type }, context) => {
    const wanted = imageKey(digest, EXTENSIONS[content_type]);
    if (key !== wanted)
      context.addIssue({
        code: "custom",
        path: ["key"],
        message: `wanted the key of its digest and type, "${wanted}"`,
      });
  });

/** The schema of an entry in a file. */
export const lockEntrySchema = z.strictObject({
  request_id: z.string().regex(RECORDED_ID_PATTERN, "wanted a request id"),
  recipe_id: sha256,
  // invalid Unicode has no canonical form
  prompt: z.string().refine((text) => text.isWellFormed(), "wanted valid Unicode, got a lone surrogate"),
  images: z
    .array(image)
    .min(1)
    .refine(
      (images) => images.every(({ index }, at) => at === 0 || index > (images[at - 1]?.index ?? 0)),
      "wanted each index once, in ascending order",
    ),
});

/** An image of a request, with the key of its bytes. `index` counts from 0. */
export type LockImage = z.output<typeof image>;

/** A request with its images. `prompt` is a prefix. */
export type LockEntry = z.output<typeof lockEntrySchema>;

/** The start of a prompt, in one line. */
export function promptPrefix(prompt: string): string {
  const line = prompt.replace(/[\p{Cc}\s]+/gu, " ").trim();
  const characters = Array.from(line);
  return characters.length <= PROMPT_PREFIX_LENGTH
    ? line
    : `${characters.slice(0, PROMPT_PREFIX_LENGTH - 1).join("")}…`;
}

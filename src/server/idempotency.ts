// The Idempotency-Key header is the request_id: one word for one idea, and a repeat is harmless by either name. Pure.
import { z } from "zod";
import { RejectedError } from "../domain/errors.ts";
import { describeFaults } from "../domain/request/submission.ts";

/** The header, for the document. */
export const idempotencyHeaders = z.object({
  "idempotency-key": z
    .string()
    .optional()
    .describe("the request_id: the same key with the same content changes nothing"),
});

/** What an answer names besides, for the document. */
export const createdHeaders = z.object({ location: z.string() });

/** The data with the header's id in it. Throws RejectedError where the body names another. */
export function withIdempotencyKey(data: unknown, key: string | undefined): unknown {
  if (key === undefined || typeof data !== "object" || data === null || Array.isArray(data)) return data;
  const named = (data as { request_id?: unknown }).request_id;
  if (named === undefined || named === key) return { ...data, request_id: key };
  const faults = [{ field: "request_id", message: "wanted none, or the same as in the header Idempotency-Key" }];
  throw new RejectedError(describeFaults(faults), { code: "invalid_request", faults });
}

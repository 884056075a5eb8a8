// Cursors of listings: opaque to clients, so that what they hold can change. Pure.
import { z } from "zod";
import { RejectedError } from "../errors.ts";

/** Any place, as a text that fits into a URL. */
export function toCursor(place: unknown): string | null {
  return place === null ? null : Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** The place again. Throws RejectedError `invalid_request` for what we never gave. */
export function parseCursor<T>(cursor: string | undefined, schema: z.ZodType<T>): T | undefined {
  if (cursor === undefined) return undefined;
  const parsed = schema.safeParse(decode(cursor));
  if (parsed.success) return parsed.data;
  const message = "wanted next_cursor of the page before";
  throw new RejectedError(`The request does not fit: cursor: ${message}`, {
    code: "invalid_request",
    faults: [{ field: "cursor", message }],
  });
}

function decode(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString());
  } catch {
    return undefined;
  }
}

/** Where a page of requests ended. */
export const requestPlace = z.object({ created_at: z.number(), request_id: z.string() });

/** Where a page of assets ended. */
export const assetPlace = z.int().min(0);

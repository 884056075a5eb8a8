// Where a page of a search ended, as an opaque text: the next page begins there, whatever is accepted meanwhile.
import { z } from "zod";
import { RejectedError } from "../../domain/errors.ts";
import { canonicalDigest, type Json } from "../../domain/request/canonical-json.ts";

const position = z.discriminatedUnion("by", [
  /** By the order of acceptance. */
  z.object({ by: z.literal("row"), row_number: z.int() }),
  /** By the place in a manifest. */
  z.object({ by: z.literal("item"), item: z.int(), row_number: z.int() }),
  /** Inside a ranked window that begins at `top`: after `last`, which was the `seen`th. Weights stay as they were. */
  z.object({ by: z.literal("rank"), top: z.int(), last: z.int(), seen: z.int(), weights: z.array(z.number()) }),
]);
const cursor = z.object({ of: z.string(), at: z.unknown() });

/** A place between two hits. */
export type Position = z.output<typeof position>;

/** The cursor of a position in the results of one search. */
export function toCursor(search: object, at: object): string {
  return Buffer.from(JSON.stringify({ of: nameOf(search), at })).toString("base64url");
}

/** Reads a cursor. Throws a RejectedError for one that is damaged or belongs to another search. */
export function parseCursor(text: string, search: object): Position {
  return readCursor(text, search, position);
}

/** The same for places of another form. */
export function readCursor<At>(text: string, search: object, form: z.ZodType<At>): At {
  const parsed = cursor.safeParse(parseJson(Buffer.from(text, "base64url").toString()));
  if (!parsed.success) throw invalidCursor("it is damaged");
  if (parsed.data.of !== nameOf(search))
    throw invalidCursor("it belongs to a search with other words, filters or order");
  const at = form.safeParse(parsed.data.at);
  if (!at.success) throw invalidCursor("it is damaged");
  return at.data;
}

function nameOf(search: object): string {
  return canonicalDigest(JSON.parse(JSON.stringify(search)) as Json).slice(0, 12);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What is thrown where a cursor cannot be used. */
export function invalidCursor(why: string): RejectedError {
  const message = `wanted the cursor of the page before: ${why}`;
  return new RejectedError(`Cannot go on with the search: ${message}`, {
    code: "invalid_request",
    faults: [{ field: "cursor", message }],
  });
}

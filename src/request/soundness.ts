// Data that would break whoever walks through it, found before anybody does: too deep for a recursive walk, or no Unicode. Pure.
import type { Fault } from "../errors.ts";

/** Levels of arrays and objects; no honest metadata comes near it. */
export const MAX_DEPTH = 64;

/** The first thing that is unsound, or undefined. Nothing is walked into beyond the levels that are allowed. */
export function findUnsound(data: unknown): Fault | undefined {
  if (typeof data !== "object" || data === null) return toFault("(data)", faultOf(data, 0));
  for (const key of Object.keys(data)) {
    // names are text like any other
    if (!key.isWellFormed()) return { field: "(data)", message: NO_UNICODE };
    const message = faultOf((data as Record<string, unknown>)[key], 1);
    // the field that the producer knows: what lies deeper is named by it
    if (message !== undefined) return toFault(key.slice(0, 100), message);
  }
  return undefined;
}

function toFault(field: string, message: string | undefined): Fault | undefined {
  return message === undefined ? undefined : { field, message };
}

const TOO_DEEP = `wanted at most ${MAX_DEPTH} levels of arrays and objects`;
const NO_UNICODE = "wanted valid Unicode, got a lone surrogate";

// as deep as is allowed and no deeper: that much any stack can hold
function faultOf(value: unknown, depth: number): string | undefined {
  if (depth > MAX_DEPTH) return TOO_DEEP;
  if (typeof value === "string") return value.isWellFormed() ? undefined : NO_UNICODE;
  if (typeof value !== "object" || value === null) return undefined;
  return Array.isArray(value) ? faultOfMembers(value, depth + 1) : faultOfFields(value, depth + 1);
}

function faultOfMembers(members: readonly unknown[], depth: number): string | undefined {
  for (const member of members) {
    const message = faultOf(member, depth);
    if (message !== undefined) return message;
  }
  return undefined;
}

function faultOfFields(fields: object, depth: number): string | undefined {
  for (const key of Object.keys(fields)) {
    const message = key.isWellFormed() ? faultOf((fields as Record<string, unknown>)[key], depth) : NO_UNICODE;
    if (message !== undefined) return message;
  }
  return undefined;
}

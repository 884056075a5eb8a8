// Data that would break whoever walks through it, found before anybody does: too deep for a recursive walk, or no Unicode. Pure.
import type { Fault } from "../errors.ts";

/** Levels of arrays and objects; no honest metadata comes near it. */
export const MAX_DEPTH = 64;

/** The first thing that is unsound, or undefined. Walks without recursion. */
export function findUnsound(data: unknown): Fault | undefined {
  const left: { value: unknown; field: string; depth: number }[] = [{ value: data, field: "(data)", depth: 0 }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { value, field, depth } = next;
    if (depth > MAX_DEPTH) return { field, message: `wanted at most ${MAX_DEPTH} levels of arrays and objects` };
    if (typeof value === "string" && !value.isWellFormed()) return { field, message: NO_UNICODE };
    if (typeof value !== "object" || value === null) continue;
    for (const [key, inner] of Object.entries(value)) {
      // the field that the producer knows: what lies deeper is named by it
      const named = depth === 0 ? key.slice(0, 100) : field;
      if (!key.isWellFormed()) return { field: depth === 0 ? "(data)" : field, message: NO_UNICODE };
      left.push({ value: inner, field: named, depth: depth + 1 });
    }
  }
  return undefined;
}

const NO_UNICODE = "wanted valid Unicode, got a lone surrogate";

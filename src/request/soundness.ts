// Data that would break whoever walks through it, found before anybody does: too deep for a recursive walk, or no Unicode. Pure.
import type { Fault } from "../errors.ts";

/** Levels of arrays and objects; no honest metadata comes near it. */
export const MAX_DEPTH = 64;

interface Place {
  value: unknown;
  /** The field that the producer knows: what lies deeper is named by it. */
  field: string;
  depth: number;
}

/** The first thing that is unsound, or undefined. Walks without recursion. */
export function findUnsound(data: unknown): Fault | undefined {
  const left: Place[] = [{ value: data, field: "(data)", depth: 0 }];
  for (let place = left.pop(); place !== undefined; place = left.pop()) {
    const message = faultOf(place);
    if (message !== undefined) return { field: place.field, message };
    // one by one: an array of a million entries is no list of arguments
    for (const member of membersOf(place)) left.push(member);
  }
  return undefined;
}

function faultOf({ value, depth }: Place): string | undefined {
  if (depth > MAX_DEPTH) return `wanted at most ${MAX_DEPTH} levels of arrays and objects`;
  return typeof value === "string" && !value.isWellFormed() ? NO_UNICODE : undefined;
}

const NO_UNICODE = "wanted valid Unicode, got a lone surrogate";

function membersOf({ value, field, depth }: Place): Place[] {
  if (typeof value !== "object" || value === null) return [];
  const deeper = depth + 1;
  const named = (key: string | number) => (depth === 0 ? String(key).toWellFormed().slice(0, 100) : field);
  if (Array.isArray(value)) return value.map((inner, index) => ({ value: inner, field: named(index), depth: deeper }));
  const entries = Object.entries(value);
  const inner = entries.map(([key, one]) => ({ value: one, field: named(key), depth: deeper }));
  // names are text like any other
  return [...inner, ...entries.map(([key]) => ({ value: key, field, depth }))];
}

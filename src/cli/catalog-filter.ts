// The flags with which catalog commands choose requests: the same names everywhere.
import type { Command } from "commander";
import type { ListFilter } from "../catalog/requests/listing.ts";
import { RejectedError } from "../domain/errors.ts";
import type { RequestState } from "../domain/records.ts";
import { nearest } from "../domain/request/nearest.ts";

const STATES: readonly RequestState[] = [
  "queued",
  "generating",
  "copying",
  "archived",
  "failed",
  "parked",
  "cancelled",
];

export interface FilterFlags {
  state?: string;
  collection?: string;
  batch?: string;
}

/** Adds --state, --collection and --batch. */
export function addFilterFlags(command: Command): Command {
  return command
    .option("--state <state>", `only requests that are ${STATES.join(", ")}`)
    .option("--collection <name>", "only requests of this collection")
    .option("--batch <id>", "only requests of this batch");
}

/** The filter of these flags. Throws a RejectedError `invalid_request` for a state that there is not. */
export function toFilter({ state, collection, batch }: FilterFlags): ListFilter {
  return {
    ...(state !== undefined && { state: toState(state) }),
    ...(collection !== undefined && { collection }),
    ...(batch !== undefined && { batch }),
  };
}

function toState(text: string): RequestState {
  const state = STATES.find((known) => known === text);
  if (state !== undefined) return state;
  const meant = nearest(text, STATES);
  const hint = meant === undefined ? "" : `, did you mean ${meant}?`;
  throw new RejectedError(`--state: wanted one of ${STATES.join(", ")}, got "${text}"${hint}`, {
    code: "invalid_request",
    faults: [{ field: "--state", message: `wanted one of ${STATES.join(", ")}` }],
  });
}

/** For flags that may be repeated: one that took all words behind it would take the words of a search, or ids, too. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

/** A whole number from 1 on. Throws a RejectedError `invalid_request` that names the flag. */
export function toCount(text: string, flag: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= 1) return count;
  const message = `wanted a whole number from 1 on, got "${text}"`;
  throw new RejectedError(`${flag}: ${message}`, { code: "invalid_request", faults: [{ field: flag, message }] });
}

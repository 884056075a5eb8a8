// From zod's issues to our faults: the field's path, the expected and the actual value. Pure.
import type { z } from "zod";
import type { Fault } from "../errors.ts";
import { jsonPrefix } from "./bounded-json.ts";
import { isTooDeep } from "./json-safety.ts";
import { nearest } from "./nearest.ts";

type Issue = z.core.$ZodIssue;

/** Every fault, in the order found. `data` is the checked value; `fieldNames` are suggested for misspelt names. */
export function toFaults(error: z.ZodError, data: unknown, fieldNames: readonly string[] = []): Fault[] {
  return error.issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key, order) => unknownField(key, order < SUGGESTIONS_MAX ? fieldNames : []))
      : [toFault(issue, data)],
  );
}

/** The maximum number of names with a suggestion: a job of a hundred thousand fields must not block the process. */
const SUGGESTIONS_MAX = 50;

function unknownField(key: string, fieldNames: readonly string[]): Fault {
  const meant = nearest(key, fieldNames);
  return { field: key.slice(0, 100), message: `unknown field${meant === undefined ? "" : `, did you mean ${meant}?`}` };
}

function toFault(issue: Issue, data: unknown): Fault {
  const field = issue.path.length === 0 ? "(data)" : issue.path.join(".");
  // our own rules have complete messages; zod's messages are replaced
  if (issue.code === "custom" || issue.message.startsWith("wanted")) return { field, message: issue.message };
  return { field, message: `wanted ${expectationOf(issue)}, got ${show(valueAt(data, issue.path))}` };
}

function expectationOf(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return (
        { int: "a whole number", number: "a number", object: "an object" }[issue.expected as string] ??
        `${/^[aeio]/.test(issue.expected) ? "an" : "a"} ${issue.expected}`
      );
    case "too_small":
      return `at least ${issue.minimum}${unit(issue.origin)}`;
    case "too_big":
      return `at most ${issue.maximum}${unit(issue.origin)}`;
    case "invalid_value":
      return `one of ${issue.values.map(String).join(", ")}`;
    default:
      return issue.message;
  }
}

function unit(origin: string): string {
  return { string: " characters", array: " entries" }[origin] ?? "";
}

function valueAt(data: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], data);
}

const SHOWN_MAX_LENGTH = 60;

function show(value: unknown): string {
  if (value === undefined) return "nothing";
  // too deep for JSON.stringify: show a prefix
  if (isTooDeep(value)) return `${jsonPrefix(value, SHOWN_MAX_LENGTH).slice(0, SHOWN_MAX_LENGTH)}…`;
  const text = JSON.stringify(value) ?? String(value);
  return text.length > SHOWN_MAX_LENGTH ? `${text.slice(0, SHOWN_MAX_LENGTH)}… (${text.length} characters)` : text;
}

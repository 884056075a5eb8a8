// Checks what an item expanded to: against the request's own schema, and `seeds`, which only manifests know. Pure.
import { z } from "zod";
import type { Fault } from "../../domain/errors.ts";
import { toFaults } from "../../domain/request/faults.ts";
import { checkSubmission, type Submission, submissionSchema } from "../../domain/request/submission.ts";
import type { Fields } from "./entry.ts";

/** Seeds for one item at most. */
export const SEEDS_LIMIT = 1_000;

const seedsSchema = z.int().min(1).max(SEEDS_LIMIT).optional();
const NAMES = [...Object.keys(submissionSchema.shape), "seeds", "matrix"];

/** A checked item, before its seeds and ids are settled. */
export interface Checked {
  submission: Submission;
  seeds: number | undefined;
  seedGiven: boolean;
}

/** The submission of these fields, or every fault in them. */
export function checkFields(fields: Fields): Checked | Fault[] {
  const { seeds } = fields;
  const data = "seeds" in fields ? withoutSeeds(fields) : fields;
  const submission = checkSubmission(data, NAMES);
  const count = seedsSchema.safeParse(seeds);
  if (!Array.isArray(submission) && count.success) {
    return { submission, seeds: count.data, seedGiven: data.seed !== undefined };
  }
  return [
    ...(Array.isArray(submission) ? submission : []),
    ...(count.success ? [] : toFaults(count.error, seeds).map(({ message }) => ({ field: "seeds", message }))),
  ];
}

function withoutSeeds({ seeds: _, ...data }: Fields): Fields {
  return data;
}

/** What is wrong with one field by itself, such as one of a document's defaults. */
export function checkField(name: string, value: unknown): Fault[] {
  const checked = name === "seeds" ? seedsSchema.safeParse(value) : fieldSchema(name)?.safeParse(value);
  if (checked === undefined) {
    const unknown = submissionSchema.partial().safeParse({ [name]: value });
    return unknown.success ? [] : toFaults(unknown.error, { [name]: value }, NAMES);
  }
  if (checked.success) return [];
  return toFaults(checked.error, value).map(({ field, message }) => ({
    field: field === "(data)" ? name : `${name}.${field}`,
    message,
  }));
}

function fieldSchema(name: string): z.ZodType | undefined {
  const { shape } = submissionSchema;
  return Object.hasOwn(shape, name) ? shape[name as keyof typeof shape] : undefined;
}

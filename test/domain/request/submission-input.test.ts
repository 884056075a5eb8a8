// The type that producers see says what the schema checks: the same fields, and every range and default in the hover text.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, expectTypeOf, test } from "vitest";
import type { z } from "zod";
import { toJobSchema } from "../../../src/domain/request/job-schema.ts";
import type { submissionSchema } from "../../../src/domain/request/submission.ts";
import type { SubmissionInput } from "../../../src/domain/request/submission-input.ts";

type Checked = z.input<typeof submissionSchema>;

// without what the schema library's JSON and ours call differently
expectTypeOf<Omit<SubmissionInput, "metadata">>().toEqualTypeOf<Omit<Checked, "metadata">>();
expectTypeOf<keyof SubmissionInput>().toEqualTypeOf<keyof Checked>();

interface Property {
  default?: unknown;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  maxItems?: number;
  enum?: unknown[];
}

const text = await readFile(join(import.meta.dirname, "../../../src/domain/request/submission-input.ts"), "utf8");
const DOCS = new Map(
  [...text.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s+(\w+)\??: /g)].map(([, doc = "", name = ""]) => [name, doc]),
);
const { properties } = toJobSchema() as { properties: Record<string, Property> };

test.each(Object.entries(properties))("the hover text of %s names its range and its default", (name, property) => {
  const doc = (DOCS.get(name) ?? "").replace(/\s*\n\s*\*\s*/g, " ").replaceAll(",", "");
  expect(doc).not.toBe("");
  if (property.default !== undefined && !Array.isArray(property.default))
    expect(doc).toContain(
      `efault ${typeof property.default === "string" ? `\`"${property.default}"\`` : typeof property.default === "object" ? "`{}`" : property.default}`,
    );
  const limits = [property.maximum, property.maxLength, property.maxItems].filter((limit) => limit !== undefined);
  for (const limit of limits) expect(doc).toContain(limit === Number.MAX_SAFE_INTEGER ? "2^53 - 1" : String(limit));
  for (const value of property.enum ?? []) expect(doc).toContain(String(value));
});

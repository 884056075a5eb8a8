// The job form of queue "generate" as JSON Schema, for producers in other languages. Pure; the zod schema is the source.
import { z } from "zod";
import { submissionSchema } from "./submission.ts";

/** JSON Schema, draft 2020-12. What it cannot say (bytes of metadata, well-formed Unicode) is still checked by the worker. */
export function toJobSchema(): object {
  const {
    $schema,
    properties = {},
    ...schema
  } = z.toJSONSchema(submissionSchema, {
    io: "input",
    target: "draft-2020-12",
  });
  return {
    $schema,
    $id: "urn:asset-archiver:job:generate",
    title: 'Job of the asset-archiver queue "generate"',
    description:
      "Only prompt is required. A field that is not named here is a fault, so that a misspelt one costs nothing.",
    ...schema,
    properties: {
      ...properties,
      // rules that stand in code there, and can be said here
      prompt: { ...(properties.prompt as object), pattern: "\\S" },
      webhook_url: { ...(properties.webhook_url as object), pattern: "^https?://[^/?#@\\\\]+([/?#]|$)" },
    },
  };
}

// The job data of queue "generate" as JSON Schema, for producers in other languages. Pure; generated from the zod schema.
import { z } from "zod";
import { submissionSchema } from "./submission.ts";

/** JSON Schema, draft 2020-12. The worker also checks what it cannot express (bytes of metadata, well-formed Unicode). */
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
      // rules that are code in the zod schema
      prompt: { ...(properties.prompt as object), pattern: "\\S" },
      webhook_url: { ...(properties.webhook_url as object), pattern: "^https?://[^/?#@\\\\]+([/?#]|$)" },
    },
  };
}

// The OpenAPI 3.1 document: schemas made of the zod schemas that check, and the routes as they were added.
import { z } from "zod";
import { submissionSchema } from "../domain/request/submission.ts";
import type { Http } from "./context.ts";
import * as forms from "./schemas.ts";

const ANSWERS = {
  Request: forms.requestSchema,
  RequestPage: forms.requestPageSchema,
  Reread: forms.rereadSchema,
  Retried: forms.retriedSchema,
  Action: forms.actionSchema,
  ActionResult: forms.actionResultSchema,
  Asset: forms.assetSchema,
  AssetPage: forms.assetPageSchema,
  AssetDetail: forms.assetDetailSchema,
  BulkLine: forms.bulkLineSchema,
  Status: forms.statusSchema,
  Waiting: forms.waitingSchema,
  Images: forms.imagesAnswerSchema,
  Alive: forms.aliveSchema,
  Ready: forms.readySchema,
  Error: forms.errorSchema,
} as const;

export type SchemaName = keyof typeof ANSWERS | "Submission" | "ImagesForm";

/** Where the document keeps a schema. */
export function schemaRef(name: SchemaName): { $ref: string } {
  return { $ref: `#/components/schemas/${name}` };
}

/** Puts the schemas and the security scheme into the document. */
export function registerSchemas(http: Http): void {
  for (const [name, schema] of Object.entries(ANSWERS)) register(http, name as SchemaName, toJson(schema, "output"));
  const submission = toJson(submissionSchema, "input");
  register(http, "Submission", submission);
  register(http, "ImagesForm", toImagesForm(submission));
  http.openAPIRegistry.registerComponent("securitySchemes", "bearer", { type: "http", scheme: "bearer" });
}

/** The whole document. */
export function createDocument(http: Http, options: { secured: boolean; publicPath: string }): object {
  return http.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "asset-archiver",
      version: "1",
      description: "Keeps generated images: prompts in, archived and recorded pictures out.",
      license: { name: "MIT" },
    },
    servers: [{ url: options.publicPath || "/" }],
    security: options.secured ? [{ bearer: [] }] : [{}],
  });
}

type JsonSchema = { properties?: Record<string, unknown>; [keyword: string]: unknown };

function register(http: Http, name: SchemaName, schema: JsonSchema): void {
  http.openAPIRegistry.registerComponent("schemas", name, schema as object);
}

function toJson(schema: z.ZodType, io: "input" | "output"): JsonSchema {
  const { $schema: _, $defs: __, ...json } = z.toJSONSchema(schema, { io, unrepresentable: "any", override: looser });
  return json as JsonSchema;
}

// "any JSON" is recursive, and OpenAPI has a shorter word for it
function looser({
  zodSchema,
  jsonSchema,
}: {
  zodSchema: z.core.$ZodTypes;
  jsonSchema: z.core.JSONSchema.BaseSchema;
}): void {
  if (zodSchema._zod.def.type !== "lazy" && jsonSchema.$ref === undefined) return;
  for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
}

// what OpenAI's clients send besides is taken and left out, so it is not listed field by field
function toImagesForm(submission: JsonSchema): JsonSchema {
  const size = { type: "string", description: "such as 1024x1024; becomes the nearest aspect_ratio" };
  return {
    ...submission,
    properties: { ...submission.properties, size },
    additionalProperties: true,
  };
}

// How a route is added: once, for the router and for the OpenAPI document, so that neither knows one that the other does not.
import type { RouteConfig } from "@hono/zod-openapi";
import { z } from "zod";
import { RejectedError } from "../domain/errors.ts";
import { toFaults } from "../domain/request/faults.ts";
import { describeFaults } from "../domain/request/submission.ts";
import type { Http, RequestVariables } from "./context.ts";
import { schemaRef } from "./openapi.ts";

type Content = NonNullable<NonNullable<RouteConfig["request"]>["body"]>["content"];

/** A route as published. Every one may answer with an error. */
export interface RouteSpec {
  method: "get" | "post" | "delete";
  /** With its parameters in braces. */
  path: string;
  summary: string;
  query?: z.ZodObject;
  headers?: z.ZodObject;
  body?: Content;
  answers: RouteConfig["responses"];
}

export function addRoute(
  http: Http,
  spec: RouteSpec,
  handle: (c: RequestVariables) => Promise<Response> | Response,
): void {
  const { method, path, summary, query, headers, body, answers } = spec;
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  http.openAPIRegistry.registerPath({
    method,
    path,
    summary,
    operationId: toOperationId(method, path),
    tags: [path.startsWith("/v1/assets") ? "assets" : path.startsWith("/v1/") ? "requests" : "server"],
    request: {
      ...(names.length > 0 ? { params: z.object(Object.fromEntries(names.map((name) => [name, z.string()]))) } : {}),
      ...(query === undefined ? {} : { query }),
      ...(headers === undefined ? {} : { headers }),
      ...(body === undefined ? {} : { body: { required: true, content: body } }),
    },
    responses: { ...answers, default: jsonOf("Error", "an error, in the image API's own form") },
  });
  http.on(method.toUpperCase(), path.replaceAll(/\{(\w+)\}/g, ":$1"), (c) => {
    c.set("route", path);
    return handle(c);
  });
}

/** An answer in JSON, by the name of its schema. */
export function jsonOf(schema: Parameters<typeof schemaRef>[0], description: string) {
  return { description, content: { "application/json": { schema: schemaRef(schema) } } };
}

/** The checked query. Throws RejectedError with every fault; a name that nobody knows is one, or that comes twice in vain. */
export function parseQuery<S extends z.ZodObject>(c: RequestVariables, schema: S): z.output<S> {
  const data = Object.fromEntries(
    Object.entries(c.req.queries()).map(([name, values]) => [name, toGiven(schema.shape[name], values)]),
  );
  const parsed = schema.strict().safeParse(data);
  if (parsed.success) return parsed.data as z.output<S>;
  const faults = toFaults(parsed.error, data, Object.keys(schema.shape));
  throw new RejectedError(describeFaults(faults), { code: "invalid_request", faults });
}

// a list takes all values, anything else one; digits are a number where one is wanted
function toGiven(field: unknown, values: string[]): unknown {
  const inner = field instanceof z.ZodOptional || field instanceof z.ZodDefault ? field.unwrap() : field;
  if (inner instanceof z.ZodArray || values.length > 1) return values;
  const [value = ""] = values;
  return inner instanceof z.ZodNumber && /^-?\d{1,15}(\.\d{1,15})?$/.test(value) ? Number(value) : value;
}

// get /v1/requests/{id} → getRequestsById
function toOperationId(method: string, path: string): string {
  const words = path.replace("/v1/", "/").split(/[/.]/).filter(Boolean);
  const named = words.map((word) =>
    word.replace(/^\{(\w+)\}$/, "by-$1").replace(/(?:^|-)(\w)/g, (_, letter) => letter.toUpperCase()),
  );
  return method + (named.join("") || "Page");
}

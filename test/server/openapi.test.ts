// The OpenAPI document: valid, and of the same routes as the server.
import { readFile } from "node:fs/promises";
import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "vitest";
import { RECIPE_DEFAULTS } from "../../src/domain/request/recipe.ts";
import { submissionSchema } from "../../src/domain/request/submission.ts";
import { createHttpApp } from "../../src/server/http-app.ts";
import { createDocument } from "../../src/server/openapi.ts";
import { createServerContext } from "../../src/server/server.ts";
import { openServed } from "./support.ts";

interface Document {
  openapi: string;
  paths: Record<string, Record<string, { operationId: string; security?: unknown }>>;
  components: { schemas: Record<string, { properties: Record<string, { default?: unknown }> }> };
  security: unknown;
}

async function readDocument(settings: Record<string, string> = {}) {
  const { ask } = await openServed(settings);
  return (await (await ask("/openapi.json")).json()) as Document;
}

test("is valid OpenAPI 3.1", async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate((await readDocument()) as unknown as Record<string, unknown>);
  expect(errors).toBeUndefined();
  expect(valid).toBe(true);
  expect(validator.version).toBe("3.1");
});

test("names every route that the server has, by every method, and no other", async () => {
  const { ask } = await openServed();
  const document = (await (await ask("/openapi.json")).json()) as Document;
  for (const [path, operations] of Object.entries(document.paths)) {
    const real = path.replace("{id}", "some-id").replace("{digest}", "0".repeat(64));
    // a method that no path has: the answer names those that this path has
    const allow = (await ask(real, { method: "PATCH" })).headers.get("allow") ?? "";
    const allowed = allow.split(", ").filter((method) => method !== "HEAD");
    const documented = Object.keys(operations).map((method) => method.toUpperCase());
    expect([path, allowed.sort()]).toEqual([path, documented.sort()]);
  }
});

test("the server has no route that it does not name", async () => {
  const { app } = await openServed();
  const http = createHttpApp(createServerContext(app, new AbortController().signal));
  const routes = http.routes.filter(({ method }) => method !== "ALL").map(({ method, path }) => `${method} ${path}`);
  const { paths } = createDocument(http, { secured: false, publicPath: "" }) as Document;
  const documented = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ":$1")}`),
  );
  expect(routes.sort()).toEqual(documented.sort());
});

test("every documented path is documented for people as well", async () => {
  const text = await readFile("docs/http.md", "utf8");
  const missing = Object.keys((await readDocument()).paths).filter((path) => path !== "/" && !text.includes(path));
  expect(missing).toEqual([]);
});

test("the form of a request is the one that is checked", async () => {
  const { components } = await readDocument();
  const { properties } = components.schemas.Submission ?? { properties: {} };
  expect(Object.keys(properties)).toEqual(Object.keys(submissionSchema.shape));
  expect(properties.steps?.default).toBe(RECIPE_DEFAULTS.steps);
});

test("every operation has a name of its own", async () => {
  const names = Object.values((await readDocument()).paths).flatMap((one) =>
    Object.values(one).map((o) => o.operationId),
  );
  expect(new Set(names).size).toBe(names.length);
});

test("asks for a token where the server does", async () => {
  expect((await readDocument()).security).toEqual([{}]);
  expect((await readDocument({ API_TOKENS: "a" })).security).toEqual([{ bearer: [] }]);
});

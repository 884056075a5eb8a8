// `serve` as a process: says where it listens, refuses what would be open to everybody, and ends cleanly.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openPlace } from "./support.ts";

async function open(settings: Record<string, string> = {}) {
  const place = await openPlace({ PORT: "0", ...settings });
  onTestFinished(() => place.close());
  return place;
}

test("prints its address, answers there, and SIGTERM ends it with 0", async () => {
  const place = await open();
  const server = place.start(["serve"]);
  const url = await server.line(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: "alive" });
  expect(await server.end("SIGTERM")).toMatchObject({ code: 0, out: `${url}\n` });
});

test("--json prints one document, and flags win over settings", async () => {
  const place = await open({ PORT: "1" });
  const server = place.start(["serve", "--port", "0", "--host", "localhost", "--json"]);
  const printed = JSON.parse(await server.line(/^\{/)) as { url: string; port: number };
  expect(printed).toEqual({ url: `http://localhost:${printed.port}`, host: "localhost", port: printed.port });
  expect((await fetch(`${printed.url}/readyz`)).status).toBe(200);
  expect((await server.end("SIGINT")).code).toBe(0);
});

test("who waits is answered when the server stops", async () => {
  const place = await open();
  const server = place.start(["serve"]);
  const url = await server.line(/^http:/);
  const headers = { "content-type": "application/json" };
  await fetch(`${url}/v1/requests`, { method: "POST", headers, body: '{"prompt":"a fox","request_id":"fox"}' });
  const waiting = fetch(`${url}/v1/requests/fox?wait=5m`);
  // the wait has been begun when a later exchange has been answered
  await fetch(`${url}/healthz`);
  const ended = server.end("SIGTERM");
  expect(await (await waiting).json()).toMatchObject({ request_id: "fox", state: "queued" });
  expect((await ended).code).toBe(0);
});

test.each([
  ["another HOST without tokens", { HOST: "0.0.0.0" }, [], /API_TOKENS/],
  ["a PUBLIC_URL of others without tokens", { PUBLIC_URL: "https://pictures.example" }, [], /PUBLIC_URL .*API_TOKENS/],
  ["a PORT that is none", {}, ["--port", "many"], /--port: wanted a whole number/],
  ["a rate that is none", { HTTP_RATE_LIMIT: "fast" }, [], /HTTP_RATE_LIMIT: wanted a rate such as/],
  ["an address of another machine", { HOST: "192.0.2.1", API_TOKENS: "a" }, [], /Cannot listen on 192\.0\.2\.1/],
])("%s ends with 2 and says why", async (_, env, flags, reason) => {
  const place = await open(env);
  const { code, out, err } = await place.run(["serve", ...flags]);
  expect([code, out]).toEqual([2, ""]);
  expect(err).toMatch(reason);
});

test("a catalog that cannot be opened ends it before it listens", async () => {
  const place = await open({ CATALOG_URL: "file:./in-the-way/catalog.db" });
  await writeFile(join(place.folder, "in-the-way"), "a file where a folder is wanted");
  const { code, err } = await place.run(["serve"]);
  expect(code).toBe(2);
  expect(err).toMatch(/catalog/);
});

test("with tokens it listens where it is told to", async () => {
  const place = await open({ HOST: "0.0.0.0", API_TOKENS: "token-of-the-test" });
  const server = place.start(["serve"]);
  const url = new URL(await server.line(/^http:/));
  url.hostname = "127.0.0.1";
  expect((await fetch(new URL("/v1/status", url))).status).toBe(401);
  const headers = { authorization: "Bearer token-of-the-test" };
  expect((await fetch(new URL("/v1/status", url), { headers })).status).toBe(200);
  const { out, err } = await server.end();
  expect(out + err).not.toContain("token-of-the-test");
});

// Bodies that come drop by drop: nobody holds a connection for as long as they like.
import { connect, type Socket } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { allowSlowBody, createBodyWatch } from "../../src/server/body-watch.ts";
import { startHttp } from "../support/servers.ts";
import { openServed } from "./support.ts";

vi.setConfig({ testTimeout: 20_000 });

/** Sends a head that promises a body, and a byte of it every 100 ms; resolves to when the connection was closed, in ms. */
async function drip(url: string, start: string, headers: Record<string, string> = {}): Promise<number> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  const all = { host: "127.0.0.1", "content-length": "100000", ...headers };
  const begun = performance.now();
  socket.on("error", () => {}).resume();
  socket.write(
    `${start} HTTP/1.1\r\n${Object.entries(all)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join("")}\r\n`,
  );
  const timer = setInterval(() => socket.write(" "), 100);
  onTestFinished(() => {
    clearInterval(timer);
    socket.destroy();
  });
  await closed(socket);
  clearInterval(timer);
  return performance.now() - begun;
}

/** A connection may end with a reset where bytes were still under way; `once` would reject with it. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once("close", () => resolve()));
}

const JSON_TYPE = { "content-type": "application/json" };

test.each([
  ["GET /healthz", {}],
  ["POST /healthz", {}],
  ["GET /", {}],
  ["GET /readyz", {}],
  ["GET /openapi.json", {}],
  ["GET /nothing", {}],
  ["GET /v1/requests", {}],
  ["POST /v1/requests", { "content-type": "text/plain" }],
  ["POST /v1/requests?", { "content-type": "text/plain" }],
  ["POST /v1/requests/bulk", JSON_TYPE],
  ["POST /v1/images/generations", {}],
  ["DELETE /v1/requests/nobody", {}],
  ["POST /v1/requests", { ...JSON_TYPE, origin: "https://evil.example" }],
] as [string, Record<string, string>][])(
  "%s with a body that nobody reads ends with its answer",
  async (start, headers) => {
    const settings = start.startsWith("POST /v1/requests/bulk") ? { API_TOKENS: "s3cret" } : {};
    const { url } = await openServed(settings);
    expect(await drip(url, start, headers)).toBeLessThan(5_000);
  },
);

test("a body that is read must be whole in time, an upload that was let in must go on", async () => {
  const bodies = createBodyWatch({ wholeWithinMs: 1_000, idleMs: 3_000 });
  onTestFinished(() => bodies.stop());
  const url = await startHttp((incoming, outgoing) => {
    bodies.watch(incoming, outgoing);
    incoming.on("error", () => {}).resume();
    if (incoming.url === "/upload") allowSlowBody(incoming);
  });
  const begun = performance.now();
  const slow = drip(url, "POST /");
  const { hostname, port } = new URL(url);
  const upload = connect({ host: hostname, port: Number(port) }).on("error", () => {});
  onTestFinished(() => void upload.destroy());
  upload.write("POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n ");
  expect(await slow).toBeLessThan(3_000);
  await closed(upload.resume());
  expect(performance.now() - begun).toBeGreaterThan(2_900);
});

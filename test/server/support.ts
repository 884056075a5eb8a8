// A server on an archive of the test's own, and ways to speak to it.
import { connect } from "node:net";
import { onTestFinished } from "vitest";
import type { SandboxOptions } from "../../src/dev/sandbox/sandbox.ts";
import { startServer } from "../../src/server/server.ts";
import { openBusyWorld, openWorld, type World } from "../support/world.ts";

export interface Served extends World {
  url: string;
  /** GET, or what `init` says. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
}

/** A server without a worker. */
export async function openServed(settings: Record<string, string> = {}): Promise<Served> {
  return serve(await openWorld({ PORT: "0", ...settings }));
}

/** A server with a worker and a sandbox behind it. */
export async function openBusyServed(options: { settings?: Record<string, string>; sandbox?: SandboxOptions } = {}) {
  const world = await openBusyWorld({ ...options, settings: { PORT: "0", ...options.settings } });
  return { ...world, ...(await serve(world)) };
}

async function serve(world: World): Promise<Served> {
  const server = await startServer(world.app);
  onTestFinished(() => server.stop({ graceMs: 0 }));
  const ask = (path: string, init: RequestInit = {}) => fetch(server.url + path, init);
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    ask(path, {
      method: "POST",
      body: typeof body === "string" ? body : JSON.stringify(body),
      headers: { "content-type": "application/json", ...headers },
    });
  return { ...world, url: server.url, ask, post };
}

/** What the server answers to these bytes, as text: for what fetch would never send. */
export async function sendRaw(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.end(text);
  const pieces: Buffer[] = [];
  for await (const piece of socket) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString();
}

/** The error in an answer. */
export async function errorOf(answer: Response): Promise<{
  code: string;
  message: string;
  type: string;
  param: string | null;
  faults?: { field: string; message: string }[];
}> {
  return ((await answer.json()) as { error: Awaited<ReturnType<typeof errorOf>> }).error;
}

// An S3 that misbehaves on purpose: one bucket over plain HTTP, where a test decides what becomes of each request.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** One request as it came, body and all. */
export interface Seen {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface StandIn {
  endpoint: string;
  seen: Seen[];
  objects: Map<string, Buffer>;
  connections(): number;
  close(): Promise<void>;
}

/** What a test does to a request; true: it was answered (or left hanging), false: go on as usual. */
export type Misbehaviour = (request: Seen, response: ServerResponse) => boolean;

/** How the stand-in keeps bytes, and what it says about them. */
export interface Habits {
  keep?: (bytes: Buffer) => Buffer;
  etag?: (kept: Buffer) => string | undefined;
  misbehave?: Misbehaviour;
}

/** The ETag of an honest server. */
export function md5Etag(bytes: Buffer): string {
  return `"${createHash("md5").update(bytes).digest("hex")}"`;
}

/** Starts it on loopback. The checksum of a PUT is always echoed, whatever was kept. */
export async function startStandIn(habits: Habits): Promise<StandIn> {
  const seen: Seen[] = [];
  const objects = new Map<string, Buffer>();
  let connections = 0;
  const server = createServer(async (incoming, response) => {
    const request = await toSeen(incoming).catch(() => undefined);
    if (request === undefined) return;
    seen.push(request);
    if (habits.misbehave?.(request, response)) return;
    answer(request, response, { objects, habits });
  });
  server.on("connection", () => connections++);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    objects,
    connections: () => connections,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Answers with an S3 error. */
export function sendError(response: ServerResponse, status: number, code: string, more = ""): true {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>No.</Message>${more}</Error>`;
  response.writeHead(status, { "content-type": "application/xml" }).end(body);
  return true;
}

async function toSeen(incoming: IncomingMessage): Promise<Seen> {
  const { method = "", url = "", headers } = incoming;
  return { method, path: new URL(url, "http://x").pathname, headers, body: await buffer(incoming) };
}

function answer(
  { method, path, headers, body }: Seen,
  response: ServerResponse,
  { objects, habits }: { objects: Map<string, Buffer>; habits: Habits },
): void {
  if (method === "PUT") {
    const kept = (habits.keep ?? ((bytes) => bytes))(body);
    objects.set(path, kept);
    const etag = (habits.etag ?? md5Etag)(kept);
    if (etag !== undefined) response.setHeader("etag", etag);
    response.setHeader("x-amz-checksum-sha256", headers["x-amz-checksum-sha256"] ?? "");
    response.end();
    return;
  }
  const held = objects.get(path);
  if (held === undefined) sendError(response, 404, "NoSuchKey");
  else response.writeHead(200, { "content-length": held.length }).end(held);
}

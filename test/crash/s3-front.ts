// An S3 that has bad days: a front before the test's own S3 server. It forwards, answers 503, or takes the object and
// breaks the connection before the answer.
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type S3TestServer, startS3Server } from "../support/s3-server.ts";

export interface FaultyS3 {
  endpoint: string;
  bucket: string;
  region: string;
  credentials: S3TestServer["credentials"];
  /** Every exchange gets 503 from now on, or none. */
  setDown(down: boolean): void;
  /** This share of uploads is taken, and the answer lost. `roll` gives 0 ≤ x < 1. */
  setLossy(share: number, roll: () => number): void;
  close(): Promise<void>;
}

const SLOW_DOWN =
  '<?xml version="1.0"?><Error><Code>ServiceUnavailable</Code><Message>Please try again</Message></Error>';

export async function startFaultyS3(): Promise<FaultyS3> {
  const behind = await startS3Server();
  const { port } = new URL(behind.endpoint);
  let down = false;
  let isLost = () => false;
  const server = createServer((req, res) => {
    // nobody's fault: a worker was killed in the middle of it
    for (const stream of [req, res]) stream.on("error", () => undefined);
    if (down) return refuse(req, res);
    forward({ req, res, port, loseAnswer: req.method === "PUT" && isLost() });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bucket: behind.bucket,
    region: behind.region,
    credentials: behind.credentials,
    setDown: (now) => {
      down = now;
    },
    setLossy: (share, roll) => {
      isLost = () => roll() < share;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await behind.close();
    },
  };
}

function refuse(req: IncomingMessage, res: ServerResponse): void {
  req.resume();
  res.writeHead(503, { "content-type": "application/xml" }).end(SLOW_DOWN);
}

interface Forwarding {
  req: IncomingMessage;
  res: ServerResponse;
  port: string;
  loseAnswer: boolean;
}

function forward({ req, res, port, loseAnswer }: Forwarding): void {
  const { method = "GET", url = "/", headers } = req;
  const passed = request({ host: "127.0.0.1", port, method, path: url, headers }, (reply) => {
    if (loseAnswer) {
      reply.resume();
      req.socket.resetAndDestroy();
      return;
    }
    res.writeHead(reply.statusCode ?? 502, reply.headers);
    reply.pipe(res);
  });
  passed.on("error", () => res.destroy());
  req.pipe(passed);
}

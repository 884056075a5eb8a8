// The image API reduced to its bones, in a process of its own: it answers after the latency it was told, with one URL to a
// PNG of the size it was told; every image has other bytes. Nothing here may cost more than what is measured against it.
import { createHash } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { crc32 } from "node:zlib";
import sharp from "sharp";

const { LATENCY_MS = "0", JITTER = "0", IMAGE_BYTES = "20000" } = process.env;
const base = await paint(Number(IMAGE_BYTES));
let calls = 0;
let served = 0;
/** Of the calls answered so far, together: what their mean would be if nothing else took time. */
let drawnMs = 0;

const server = createServer((request, response) => {
  if (request.url?.startsWith("/stats")) return sendJson(response, { calls, served, drawnMs });
  if (request.method === "GET") return sendImage(response, request.url ?? "");
  request.resume().once("end", () => {
    const ms = latencyMs();
    setTimeout(answer, ms, response, ms);
  });
});
// the default backlog of 511 would turn away some of many who come at once
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () =>
  process.send?.({ port: (server.address() as AddressInfo).port }),
);
process.once("disconnect", () => process.exit());

function answer(response: ServerResponse, ms: number): void {
  calls += 1;
  drawnMs += ms;
  const { port } = server.address() as AddressInfo;
  sendJson(response, {
    created: Math.floor(Date.now() / 1000),
    data: [{ url: `http://127.0.0.1:${port}/${calls}.png` }],
  });
}

function latencyMs(): number {
  const jitter = (Math.random() * 2 - 1) * Number(JITTER);
  return Number(LATENCY_MS) * (1 + jitter);
}

function sendJson(response: ServerResponse, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(text) }).end(text);
}

function sendImage(response: ServerResponse, path: string): void {
  served += 1;
  const bytes = named(path);
  response.writeHead(200, { "content-type": "image/png", "content-length": bytes.length }).end(bytes);
}

// a text chunk before the first pixels makes the bytes, and so the digest, of each image its own
function named(path: string): Buffer {
  const data = Buffer.concat([Buffer.from("tEXtname\0"), createHash("md5").update(path).digest()]);
  const chunk = Buffer.alloc(data.length + 8);
  chunk.writeUInt32BE(data.length - 4, 0);
  data.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(data), data.length + 4);
  const afterHeader = 8 + 25;
  return Buffer.concat([base.subarray(0, afterHeader), chunk, base.subarray(afterHeader)]);
}

// noise does not shrink, so a PNG of noise has about three bytes a pixel: a smooth picture with a noisy strip hits the size
async function paint(bytes: number): Promise<Buffer> {
  const side = Math.max(64, Math.round(Math.sqrt(bytes / 3)));
  const noise = { type: "gaussian" as const, mean: 128, sigma: 60 };
  return sharp({ create: { width: side, height: side, channels: 3, background: "#888", noise } })
    .png({ compressionLevel: 1 })
    .toBuffer();
}

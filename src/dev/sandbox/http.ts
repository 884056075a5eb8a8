// The few things the endpoints need of node:http: read a body, send JSON, wait. No endpoint is known here.
import type { IncomingMessage, ServerResponse } from "node:http";

/** What one exchange is: the request, its answer, its address. */
export interface Exchange {
  req: IncomingMessage;
  res: ServerResponse;
  url: URL;
}

/** The whole body as text, or undefined when it is larger than `maxBytes`. Rejects when the caller goes away. */
export async function readBody(req: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= maxBytes) chunks.push(chunk);
  }
  return size > maxBytes ? undefined : Buffer.concat(chunks).toString("utf8");
}

/** The value of JSON text, or undefined where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Sends a body of text whole, with its length. */
export function sendText(res: ServerResponse, answer: { status: number; type: string; text: string }): void {
  const body = Buffer.from(answer.text);
  res.writeHead(answer.status, { "content-type": answer.type, "content-length": body.length });
  res.end(body);
}

/** Sends a value as JSON. */
export function sendJson(res: ServerResponse, status: number, value: unknown): void {
  sendText(res, { status, type: "application/json", text: JSON.stringify(value) });
}

/** The page a proxy shows when what is behind it is gone. */
export const PROXY_PAGE =
  "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n" +
  "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";

import { createServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { createImageApi } from "../../src/image-api/client.ts";
import { createDownloader } from "../../src/image-api/download.ts";
import { closedOrigin, start, startHttp } from "../support/servers.ts";

const ANSWER = JSON.stringify({ created: 1, data: [{ url: "https://images.test/1.png" }] });
const signal = new AbortController().signal;
const recipe = {
  model: "Qwen/Qwen-Image",
  prompt: "a red fox",
  negative_prompt: "",
  aspect_ratio: "1:1",
  n: 1,
  seed: 1,
  steps: 20,
  guidance_scale: 2.5,
} as const;

function call(baseUrl: string, proxy: string) {
  const settings = { httpProxy: proxy, httpsProxy: proxy };
  const api = createImageApi({ baseUrl, apiKey: "k", timeoutMs: 5000, maxConnections: 1, proxy: settings });
  onTestFinished(() => api.close());
  return api.call({ recipe, response_format: "url" }, { signal });
}

/** A proxy that answers forwarded requests with `body`, and notes them and the tunnels it was asked for. */
async function startProxy(body: string) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.end(body);
  });
  server.on("connect", (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    socket.end("HTTP/1.1 403 No\r\n\r\n");
  });
  return { origin: await start(server), asked };
}

test("a call goes through the proxy", async () => {
  const proxy = await startProxy(ANSWER);
  expect(await call("http://api.test/v1", proxy.origin)).toMatchObject({ kind: "answered" });
  expect(proxy.asked).toEqual(["POST http://api.test/v1/images/generations"]);
});

test("a call to this machine does not", async () => {
  const proxy = await startProxy(ANSWER);
  const origin = await startHttp((_, response) => response.end(ANSWER));
  expect(await call(origin, proxy.origin)).toMatchObject({ kind: "answered" });
  expect(proxy.asked).toEqual([]);
});

test("a tunnel that the proxy refuses, or no proxy at all, and the call is unsent", async () => {
  const proxy = await startProxy("");
  expect(await call("https://api.test/v1", proxy.origin)).toMatchObject({ kind: "unsent" });
  expect(proxy.asked).toEqual(["CONNECT api.test:443"]);
  expect(await call("https://api.test/v1", await closedOrigin())).toMatchObject({ kind: "unsent" });
  expect(await call("http://api.test/v1", await closedOrigin())).toMatchObject({ kind: "unsent" });
});

test("a download goes through the proxy; literals of private addresses do not even get there", async () => {
  const proxy = await startProxy("image");
  const downloader = createDownloader({ maxBytes: 100, privateHosts: [], proxy: { httpProxy: proxy.origin } });
  onTestFinished(() => downloader.close());
  expect(String(await downloader.download("http://images.test/1.png", { signal }))).toBe("image");
  await expect(downloader.download("http://10.0.0.1/", { signal })).rejects.toMatchObject({ code: "address_refused" });
  expect(proxy.asked).toEqual(["GET http://images.test/1.png"]);
});

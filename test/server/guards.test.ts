// Unsafe methods from a web page of another origin: 403 in every way in, and nothing happens.
import { describe, expect, test } from "vitest";
import { openServed, sendRaw } from "./support.ts";

const JSON_TYPE = { "content-type": "application/json" };
const BODY = JSON.stringify({ prompt: "a red fox", request_id: "fox" });

const WAYS: [name: string, start: string, headers: Record<string, string>, body: string][] = [
  ["the quick way", "POST /v1/requests", JSON_TYPE, BODY],
  ["the framework's way", "POST /v1/requests?", JSON_TYPE, BODY],
  ["bulk", "POST /v1/requests/bulk", { "content-type": "application/x-ndjson" }, `${BODY}\n`],
  ["the image API's form", "POST /v1/images/generations", JSON_TYPE, BODY],
  ["cancel", "DELETE /v1/requests/fox", {}, ""],
  ["retry", "POST /v1/requests/fox/retry", {}, ""],
  ["a method that nobody knows", "PURGE /v1/requests/fox", {}, ""],
  ["a path that nobody knows", "POST /v2/anything", {}, ""],
  ["an open path", "POST /healthz", {}, ""],
];

const FOREIGN: Record<string, string>[] = [
  { origin: "https://evil.example" },
  { origin: "http://127.0.0.1:1" },
  { origin: "null" },
  { "sec-fetch-site": "cross-site" },
  { "sec-fetch-site": "same-site" },
  { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
];

function toText(start: string, headers: Record<string, string>, body: string): string {
  const all = { ...headers, "content-length": String(Buffer.byteLength(body)), connection: "close" };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return `${start.replace(/^(?<what>\S+ \S+)$/, "$<what> HTTP/1.1")}\r\n${lines.join("\r\n")}\r\n\r\n${body}`;
}

describe.each(WAYS)("%s", (_, start, headers, body) => {
  test("refuses pages of other origins", async () => {
    const { url, app } = await openServed();
    const { host } = new URL(url);
    for (const foreign of FOREIGN) {
      const answer = await sendRaw(url, toText(start, { host, ...headers, ...foreign }, body));
      expect([foreign, answer.split(" ")[1]]).toEqual([foreign, "403"]);
      expect(answer).toContain('"code":"forbidden_origin"');
    }
    expect([...app.catalog().listRequests()]).toEqual([]);
  });

  test("with a token as well", async () => {
    const { url } = await openServed({ API_TOKENS: "s3cret" });
    const given = { host: "a.example", authorization: "Bearer s3cret", origin: "https://b.example", ...headers };
    expect((await sendRaw(url, toText(start, given, body))).split(" ")[1]).toBe("403");
  });

  test("lets pass what is no foreign page", async () => {
    const { url } = await openServed();
    const { host } = new URL(url);
    for (const own of [
      {},
      { origin: url },
      { origin: url, "sec-fetch-site": "same-origin" },
      { "sec-fetch-site": "none" },
    ]) {
      if (start === "POST /v1/images/generations") continue;
      expect((await sendRaw(url, toText(start, { host, ...headers, ...own }, body))).split(" ")[1]).not.toBe("403");
    }
  });
});

test("PUBLIC_URL is an origin of ours, behind a proxy that names another host", async () => {
  const { post } = await openServed({ API_TOKENS: "s3cret", PUBLIC_URL: "https://pictures.example/archive" });
  const send = (origin: string) =>
    post("/v1/requests", { prompt: "a red fox", request_id: "fox" }, { authorization: "Bearer s3cret", origin });
  expect((await send("https://pictures.example")).status).toBe(202);
  expect((await send("https://evil.example")).status).toBe(403);
});

test("reading is allowed from anywhere: the browser keeps the answer from a foreign page", async () => {
  const { ask } = await openServed();
  const answer = await ask("/v1/status", {
    headers: { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
  });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("access-control-allow-origin")).toBe(null);
});

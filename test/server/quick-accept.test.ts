// The short way in: taken for what is usual, and never to be told from the framework's by its answers.
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { createQuickAccept } from "../../src/server/quick-accept.ts";
import { createServerContext } from "../../src/server/server.ts";
import { openWorld } from "../support/world.ts";
import { openServed } from "./support.ts";

const BODY = JSON.stringify({ prompt: "a red fox" });

function toText(
  start: string,
  { headers = {}, body = BODY }: { headers?: Record<string, string>; body?: string } = {},
) {
  const all = {
    host: "127.0.0.1",
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
    "x-request-id": "exchange-1",
    connection: "close",
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return `${start} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n${body}`;
}

test("what is usual is taken, all else is left to the framework untouched", async () => {
  const { app } = await openWorld();
  const quick = createQuickAccept(createServerContext(app, new AbortController().signal));
  let taken: boolean | undefined;
  const server = createServer((incoming, outgoing) => {
    taken = quick(incoming, outgoing);
    if (!taken) outgoing.end();
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const isTaken = async (text: string) => {
    await sendText(url, text);
    return taken;
  };
  expect(await isTaken(toText("POST /v1/requests"))).toBe(true);
  expect(await isTaken(toText("POST /v1/requests", { headers: { host: "localhost:8080" } }))).toBe(true);
  expect(await isTaken(toText("PUT /v1/requests"))).toBe(false);
  expect(await isTaken(toText("POST /v1/requests?"))).toBe(false);
  expect(await isTaken(toText("POST /v1/requests/bulk"))).toBe(false);
  expect(await isTaken(toText("POST /v1/requests", { headers: { host: "a:99999" } }))).toBe(false);
  expect(await isTaken(toText("POST /v1/requests", { headers: { host: "a/b" } }))).toBe(false);
  expect(await isTaken(toText("POST /v1/requests", { headers: { "content-length": "1048577" } }))).toBe(false);
  const chunked =
    "POST /v1/requests HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
  expect(await isTaken(chunked)).toBe(false);
});

// the query makes it unusual and changes nothing
const WAYS = ["POST /v1/requests", "POST /v1/requests?"];

const TOKEN = { authorization: "Bearer s3cret" };
const CASES: Record<string, Parameters<typeof toText>[1]> = {
  "accepted before": { headers: { ...TOKEN, "idempotency-key": "known" } },
  "the same id with other content": { headers: { ...TOKEN, "idempotency-key": "known" }, body: '{"prompt":"a hare"}' },
  "two ids": { headers: { ...TOKEN, "idempotency-key": "known" }, body: '{"prompt":"a hare","request_id":"other"}' },
  "data that does not fit": { headers: TOKEN, body: '{"promt":"a hare","n":9}' },
  "broken JSON": { headers: TOKEN, body: "{" },
  "no UTF-8": { headers: { ...TOKEN, "content-length": "3" }, body: "ÿ\0" },
  "another type": { headers: { ...TOKEN, "content-type": "text/plain" } },
  "another encoding": { headers: { ...TOKEN, "content-encoding": "gzip" } },
  "no token": {},
  "a wrong token": { headers: { authorization: "Bearer other" } },
};

test.for(Object.keys(CASES))("both ways give one answer: %s", async (name) => {
  const { url, post } = await openServed({ API_TOKENS: "s3cret" });
  await post("/v1/requests", BODY, { ...TOKEN, "idempotency-key": "known" });
  const answers = await Promise.all(WAYS.map((start) => sendText(url, toText(start, CASES[name]))));
  expect(answers[0]).toMatch(/^HTTP\/1.1 \d{3} /);
  expect(withoutDate(answers[0])).toEqual(withoutDate(answers[1]));
});

test("both ways give one answer under a name that is not ours, and for a request that is new", async () => {
  const { url } = await openServed();
  const strange = { headers: { host: "evil.example" } };
  const refused = await Promise.all(WAYS.map((start) => sendText(url, toText(start, strange))));
  expect(refused[0]).toMatch(/^HTTP\/1.1 421 /);
  expect(withoutDate(refused[0])).toEqual(withoutDate(refused[1]));
  const accepted = await Promise.all(WAYS.map((start) => sendText(url, toText(start))));
  expect(accepted[0]).toMatch(/^HTTP\/1.1 202 /);
  const [quick, other] = accepted.map((answer) => withoutDate(answer).map(withoutValues));
  expect(quick).toEqual(other);
});

test("the first exchange of all may come without a host, or with an empty one", async () => {
  for (const head of ["HTTP/1.0", "HTTP/1.1\r\nhost:"]) {
    const { url } = await openServed();
    const length = `content-type: application/json\r\ncontent-length: ${BODY.length}`;
    const text = `POST /v1/requests ${head}\r\n${length}\r\nconnection: close\r\n\r\n${BODY}`;
    expect((await sendText(url, text)).split(" ")[1]).toBe("202");
  }
});

test.each(WAYS)("who was refused and goes on sending is left: %s", async (start) => {
  const { url } = await openServed({ API_TOKENS: "s3cret" });
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on("error", () => undefined);
  socket.write(`${start} HTTP/1.1\r\nhost: ${hostname}\r\ncontent-length: 1000\r\n\r\n{`);
  let answer = "";
  socket.setEncoding("utf8").on("data", (piece) => {
    answer += piece;
  });
  // it never ends its body: only the server can end this
  await once(socket, "close");
  expect(answer).toMatch(/^HTTP\/1.1 401 /);
});

test("both ways count for the pace", async () => {
  const { url } = await openServed({ HTTP_RATE_LIMIT: "2/h" });
  const statuses: (string | undefined)[] = [];
  for (const start of [...WAYS, ...WAYS]) statuses.push((await sendText(url, toText(start))).split(" ")[1]);
  expect(statuses).toEqual(["202", "202", "429", "429"]);
});

/** Everything that is answered. Unlike one that ends its side, this caller is still there when an answer takes its time. */
async function sendText(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.write(text);
  let answer = "";
  for await (const piece of socket.setEncoding("utf8")) answer += piece;
  return answer;
}

/** Head and body by lines, the head's in order of their names: it means nothing. */
function withoutDate(answer: string | undefined): string[] {
  const [head = "", body = ""] = (answer ?? "").split("\r\n\r\n");
  const lines = head.split("\r\n").filter((line) => !/^date:/i.test(line));
  return [...lines.map((line) => line.replace(/^[^:]+:/, (field) => field.toLowerCase())).sort(), body];
}

/** What differs from request to request. */
function withoutValues(line: string): string {
  return line
    .replaceAll(/[0-9a-z]{8}-[0-9a-f]{12}/g, "<id>")
    .replaceAll(/"(recipe_id|created_at|updated_at)":"[^"]+"/g, "$1")
    .replaceAll(/"seed":\d+/g, "seed")
    .replace(/^content-length: .*/, "content-length");
}

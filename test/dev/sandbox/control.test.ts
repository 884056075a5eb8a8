// Who may use the sandbox's addresses: programs on this machine, and no web page of another origin.
import { connect } from "node:net";
import { expect, test } from "vitest";
import { generate, openTestSandbox, readError } from "./calls.ts";

const CROSS_SITE: Record<string, string>[] = [
  { origin: "https://evil.example" },
  { origin: "null" },
  { "sec-fetch-site": "cross-site" },
  { "sec-fetch-site": "same-site" },
];

test.each(CROSS_SITE)(
  "a foreign page (%j) neither changes switches, nor clears the bill, nor makes calls",
  async (headers) => {
    const sandbox = await openTestSandbox();
    const { origin } = new URL(sandbox.url);
    const change = { method: "PATCH", body: '{"errorRate":1}', headers };
    for (const [path, init] of [
      ["/sandbox", change],
      ["/sandbox/bill", { method: "DELETE", headers }],
    ] as const)
      expect(await readError(await fetch(origin + path, init))).toMatchObject({
        status: 403,
        code: "forbidden_origin",
      });
    expect(await readError(await generate(sandbox, {}, { headers }))).toMatchObject({
      status: 403,
      code: "forbidden_origin",
    });
    expect(sandbox.bill().calls).toBe(0);
    expect((await fetch(`${origin}/sandbox`, { ...change, headers: {} })).status).toBe(200);
  },
);

test.each([
  ["localhost:9090", 200],
  ["127.0.0.1", 200],
  ["[::1]", 200],
  ["evil.example", 403],
  ["127.0.0.1.evil.example:9090", 403],
])("the control address called by the name %s answers %i", async (host, status) => {
  const sandbox = await openTestSandbox();
  const socket = connect(sandbox.port, "127.0.0.1");
  socket.end(`GET /sandbox HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
  let text = "";
  for await (const piece of socket) text += String(piece);
  expect(Number(text.split(" ")[1])).toBe(status);
});

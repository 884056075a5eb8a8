import { hostname } from "node:os";
import { expect, onTestFinished, test } from "vitest";
import { createGuardedAgent } from "../../src/outbound/address-guard.ts";
import { exchange } from "../../src/outbound/exchange.ts";
import { createProxyChoice, parseNoProxy, parseProxyUrl } from "../../src/outbound/proxy.ts";
import { startProxy } from "../support/proxy.ts";

test.each([
  ["http://proxy.test:3128", "http://proxy.test:3128/"],
  ["HTTP://proxy.test:3128/", "http://proxy.test:3128/"],
  ["https://proxy.test", "https://proxy.test/"],
  ["proxy.test:3128", "http://proxy.test:3128/"],
  ["localhost:3128", "http://localhost:3128/"],
  ["10.0.0.1:3128", "http://10.0.0.1:3128/"],
  ["[fd00::1]:3128", "http://[fd00::1]:3128/"],
  ["user:pw@proxy.test:3128", "http://user:pw@proxy.test:3128/"],
  ["http://user:p%40w@proxy.test:3128", "http://user:p%40w@proxy.test:3128/"],
])("%s is a proxy", (text, url) => {
  expect(parseProxyUrl(text)).toBe(url);
});

test.each([
  "proxy.test",
  "socks5://proxy.test:1080",
  "ftp://proxy.test",
  "http://",
  "http://proxy.test:3128/path",
  "http://proxy.test:3128?x",
  "http://proxy.test:99999",
  "http://user:100%@proxy.test:3128",
  "true",
  "a b:3128",
  "",
])("%j is not a proxy", (text) => {
  expect(parseProxyUrl(text)).toBeUndefined();
});

test.each([
  ["*", "https://a.test/", true],
  ["a.test", "https://a.test/", true],
  ["a.test", "https://b.a.test/", true],
  ["a.test", "https://xa.test/", false],
  [".a.test", "https://b.a.test/", true],
  ["*.a.test", "https://b.a.test/", true],
  ["*.a.test", "https://a.test/", false],
  ["A.TEST.", "https://a.test/", true],
  ["a.test:443", "https://a.test/", true],
  ["a.test:443", "http://a.test/", false],
  ["b.test, a.test", "http://a.test/", true],
  ["b.test a.test", "http://a.test/", true],
  ["10.0.0.1", "http://10.0.0.1:9000/", true],
  ["10.0.0.0/8", "http://10.1.2.3/", true],
  ["10.0.0.0/8", "http://11.1.2.3/", false],
  ["fd00::/8", "http://[fd12::1]/", true],
  ["[fd12::1]:80", "http://[fd12::1]/", true],
  ["fd12::1", "http://[fd12::1]/", true],
  ["", "http://a.test/", false],
])("NO_PROXY=%s reaches %s directly: %s", (noProxy, url, direct) => {
  const choose = createProxyChoice({ httpProxy: "http://proxy.test:3128", noProxy });
  expect(choose?.(new URL(url))).toBe(direct ? undefined : "http://proxy.test:3128/");
});

test.each(["http://a.test", "a.test,10.0.0.0/33", "a.test:port", "a.test/path"])("NO_PROXY=%s is a fault", (text) => {
  expect(parseNoProxy(text)).toHaveProperty("fault");
});

test.each([
  [{ httpProxy: "http://p:1" }, "http://p:1/", "http://p:1/"],
  [{ httpsProxy: "http://s:1" }, undefined, "http://s:1/"],
  [{ httpProxy: "http://p:1", httpsProxy: "http://s:1" }, "http://p:1/", "http://s:1/"],
])("%j: http by %s, https by %s", (settings, http, https) => {
  const choose = createProxyChoice(settings);
  expect([choose?.(new URL("http://a.test")), choose?.(new URL("https://a.test"))]).toEqual([http, https]);
  for (const here of [
    "http://127.0.0.1:9",
    "http://127.9.9.9",
    "https://localhost",
    "http://[::1]",
    "http://x.localhost",
  ])
    expect(choose?.(new URL(here))).toBeUndefined();
});

test("no proxy, no choice", () => {
  expect(createProxyChoice({})).toBeUndefined();
  expect(createProxyChoice({ httpProxy: "", noProxy: "*" })).toBeUndefined();
});

/** One exchange behind a proxy that answers everything by itself. */
async function getBehindProxy(url: string, options: { privateHosts?: string[]; noProxy?: string } = {}) {
  const proxy = await startProxy({ answer: "from the proxy" });
  const settings = { httpProxy: proxy.origin, noProxy: options.noProxy };
  const guard = createGuardedAgent({ privateHosts: options.privateHosts ?? [], setting: "HOSTS", proxy: settings });
  onTestFinished(() => guard.close());
  const reply = await exchange(guard.dispatcher, {
    url: new URL(url),
    method: "GET",
    headers: {},
    signal: new AbortController().signal,
    timeoutMs: 20_000,
    maxBytes: () => 1000,
  });
  return { reply, asked: proxy.asked };
}

// the machine's own name leads to itself, or nowhere: both are refused before the proxy hears of it
test.each([
  hostname(),
  "10.0.0.1",
  "169.254.169.254",
  "[fd00::1]",
  "metadata.google.internal",
  "intranet",
  "nas.local",
])("behind a proxy %s is refused before the proxy gets the name", async (host) => {
  const { reply, asked } = await getBehindProxy(`http://${host}/`);
  expect(reply).toMatchObject({ sent: false, broken: { cause: { code: "address_refused" } } });
  expect(asked).toEqual([]);
});

test("behind a proxy a trusted name, a public address and a name that only the proxy may know are let through", async () => {
  for (const host of ["intranet", "8.8.8.8", "images.test"]) {
    const { reply, asked } = await getBehindProxy(`http://${host}/a`, { privateHosts: ["intranet"] });
    expect([host, reply.status, String(reply.body)]).toEqual([host, 200, "from the proxy"]);
    expect(asked).toEqual([`GET http://${host}/a`]);
  }
});

test("what NO_PROXY names is reached directly, and guarded like every direct connection", async () => {
  const { reply, asked } = await getBehindProxy(`http://${hostname()}:9/`, { noProxy: hostname() });
  expect(reply.status).toBeNull();
  expect(reply.broken?.cause).toBeInstanceOf(Error);
  expect(asked).toEqual([]);
});

import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { createGuardedAgent, isPublicAddress } from "../../src/outbound/address-guard.ts";
import { exchange } from "../../src/outbound/exchange.ts";
import { startHttp } from "../support/servers.ts";

function open(privateHosts: string[] = []) {
  const guard = createGuardedAgent({ privateHosts, setting: "PRIVATE_HOSTS" });
  onTestFinished(() => guard.close());
  return guard;
}

test.each([
  "8.8.8.8",
  "1.1.1.1",
  "172.15.255.255",
  "172.32.0.1",
  "100.63.255.255",
  "100.128.0.1",
  "2606:4700:4700::1111",
  "::ffff:8.8.8.8",
  "64:ff9b::808:808",
])("%s is public", (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

test.each([
  ["loopback", ["127.0.0.1", "127.255.255.254", "::1"]],
  ["private", ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12::1"]],
  ["link-local and metadata", ["169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0", "fd00:ec2::254"]],
  ["metadata in other ranges", ["100.100.100.200", "168.63.129.16", "192.0.0.192"]],
  ["carrier-grade NAT", ["100.64.0.1", "100.127.255.255"]],
  ["unspecified, broadcast, multicast", ["0.0.0.0", "0.1.2.3", "255.255.255.255", "224.0.0.1", "ff02::1", "::"]],
  ["reserved and documentation", ["240.0.0.1", "192.0.2.1", "198.18.0.1", "203.0.113.1", "2001:db8::1", "3fff::1"]],
  ["mapped", ["::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1", "::127.0.0.1", "::ffff:0:127.0.0.1"]],
  ["NAT64", ["64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::808:808"]],
  ["tunnels", ["2002:7f00:1::", "2002:808:808::1", "2001:0:808:808::1", "192.88.99.1"]],
  ["outside what is given out", ["fec0::1", "5f00::1", "100::1", "4000::1"]],
  ["no address", ["", "localhost", "1.2.3.4.5", "::g"]],
])("%s is not public", (_, addresses) => {
  expect(addresses.filter(isPublicAddress)).toEqual([]);
});

test("an IPv4 address counts the same inside an IPv6 one", () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      expect(isPublicAddress(`::ffff:${address}`)).toBe(isPublicAddress(address));
      expect(isPublicAddress(`64:ff9b::${address}`)).toBe(isPublicAddress(address));
    }),
  );
});

describe("a URL", () => {
  test.each([
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://127.0.0.1./",
    "http://①②⑦.0.0.1/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://x.localhost/",
    "http://localhost%2e/",
    "http://169.254.169.254/latest/meta-data",
    "http://user@images.test/",
    "http://user:password@images.test/",
    "ftp://images.test/",
    "file:///etc/passwd",
    "data:image/png;base64,AAAA",
    "javascript:1",
    "no url",
    "",
  ])("%s is refused", (url) => {
    expect(() => open().checkUrl(url)).toThrow(expect.objectContaining({ code: "address_refused" }));
  });

  test.each(["https://images.test/1.png?a=b", "http://8.8.8.8:8080/", "http://[2606:4700::1]/"])(
    "%s is let through",
    (url) => {
      expect(open().checkUrl(url).href).toBe(url);
    },
  );

  test("its secrets are not in the message", () => {
    const check = () => open().checkUrl("https://user:hush@images.test/1.png?sign=hush");
    expect(check).toThrow(/images\.test/);
    expect(check).not.toThrow(/hush/);
  });
});

describe("a redirect", () => {
  const redirect = (location: string, from: string, hosts: string[] = []) =>
    open(hosts).checkRedirect(location, new URL(from));

  test.each([
    ["/b?x=1", "https://images.test/a", "https://images.test/b?x=1"],
    ["//cdn.test/b", "https://images.test/a", "https://cdn.test/b"],
    ["https://cdn.test/b", "http://images.test/a", "https://cdn.test/b"],
    ["http://cdn.test/b", "http://images.test/a", "http://cdn.test/b"],
  ])("to %s from %s leads to %s", (location, from, url) => {
    expect(redirect(location, from).href).toBe(url);
  });

  test.each([
    ["http://images.test/a", "https://images.test/a"],
    ["http://127.0.0.1/a", "https://images.test/a"],
    ["https://10.0.0.1/a", "https://images.test/a"],
    ["https://user@images.test/a", "https://images.test/a"],
    ["ftp://images.test/a", "https://images.test/a"],
    ["https://[", "https://images.test/a"],
  ])("to %s from %s is refused", (location, from) => {
    expect(() => redirect(location, from)).toThrow(expect.objectContaining({ code: "address_refused" }));
  });

  test("from https to http is refused for a trusted host too", () => {
    const trusted = () => redirect("http://10.0.0.1/a", "https://10.0.0.1/a", ["10.0.0.1"]);
    expect(trusted).toThrow("from https to http");
  });
});

describe("private hosts", () => {
  test.each([
    ["127.0.0.1", "http://127.0.0.1:9000/", true],
    ["127.0.0.1", "http://2130706433/", true],
    ["127.0.0.1:9000", "http://127.0.0.1:9000/", true],
    ["127.0.0.1:9000", "http://127.0.0.1:9001/", false],
    ["127.0.0.1:80", "http://127.0.0.1/", true],
    ["127.0.0.1:443", "https://127.0.0.1/", true],
    ["127.0.0.1:443", "http://127.0.0.1/", false],
    ["127.0.0.1", "http://127.0.0.2/", false],
    ["::1", "http://[::1]:9000/", true],
    ["[::1]:9000", "http://[::1]:9000/", true],
    ["[::1]:9000", "http://[::1]/", false],
    ["LOCALHOST", "http://localhost./", true],
    ["localhost", "http://x.localhost/", false],
    ["localhost", "http://127.0.0.1/", false],
  ])("%s, for %s: %s", (host, url, allowed) => {
    const check = () => open([host]).checkUrl(url);
    if (allowed) expect(check).not.toThrow();
    else expect(check).toThrow(expect.objectContaining({ code: "address_refused" }));
  });
});

describe("the connection itself", () => {
  const get = (guard: ReturnType<typeof open>, url: string) =>
    exchange(guard.dispatcher, {
      url: new URL(url),
      method: "GET",
      headers: {},
      signal: new AbortController().signal,
      timeoutMs: 5000,
      maxBytes: () => 1000,
    });

  test.each(["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::1]"])(
    "to %s is refused without any check before it",
    async (host) => {
      let requests = 0;
      const origin = await startHttp((_, response) => response.end(String(++requests)));
      const reply = await get(open(), `http://${host}:${new URL(origin).port}/`);
      expect(reply).toMatchObject({ sent: false, broken: { cause: { code: "address_refused" } } });
      expect(requests).toBe(0);
    },
  );

  test.each(["127.0.0.1", "localhost"])("to %s works where it is listed", async (host) => {
    const origin = await startHttp((_, response) => response.end("here"));
    const { port } = new URL(origin);
    const reply = await get(open([`${host}:${port}`]), `http://${host}:${port}/`);
    expect(reply).toMatchObject({ status: 200, broken: null });
    expect(reply.body.toString()).toBe("here");
  });
});

// The SDK's requests over the project's own agent: through the proxy, past it, and as the signature has them.
import { randomBytes } from "node:crypto";
import { afterEach, expect, test } from "vitest";
import type { Store } from "../../src/pipeline/ports.ts";
import { createS3Store, type S3StoreOptions } from "../../src/storage/s3.ts";
import { startProxy } from "../support/proxy.ts";
import { closedOrigin } from "../support/servers.ts";
import { putOptions } from "./put-options.ts";
import { type StandIn, startStandIn } from "./s3-stand-in.ts";

const BYTES = randomBytes(10_000);
const BASICS = {
  bucket: "archive",
  forcePathStyle: true,
  region: "us-east-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
};

const opened: { store: Store; server: StandIn }[] = [];
afterEach(async () => {
  for (const { store, server } of opened.splice(0)) {
    await store.close();
    await server.close();
  }
});

async function open(options: Partial<S3StoreOptions> & { endpoint?: string }) {
  const server = await startStandIn({});
  const store = createS3Store({ endpoint: server.endpoint, ...BASICS, ...options });
  opened.push({ store, server });
  return { store, server };
}

test("everything goes through the proxy: put, get, head and delete", async () => {
  const server = await startStandIn({});
  const proxy = await startProxy({ to: server.endpoint });
  const store = createS3Store({ endpoint: "http://s3.test:9000", ...BASICS, proxy: { httpProxy: proxy.origin } });
  opened.push({ store, server });
  await store.put("a.png", BYTES, putOptions(BYTES));
  expect((await store.get("a.png"))?.equals(BYTES)).toBe(true);
  await store.head("a.png");
  await store.delete("a.png");
  expect(proxy.asked).toEqual(
    ["PUT", "GET", "HEAD", "DELETE"].map((verb) => `${verb} http://s3.test:9000/archive/a.png`),
  );
  // the host is part of the signature
  expect(server.seen[0]?.headers.host).toBe("s3.test:9000");
});

test("an https store is tunnelled to; a proxy that is away is named", async () => {
  const proxy = await startProxy({ to: await closedOrigin() });
  const through = { maxAttempts: 1, endpoint: "https://s3.test", proxy: { httpsProxy: proxy.origin } };
  const { store } = await open(through);
  await expect(store.get("a.png")).rejects.toMatchObject({ code: "store_unreachable" });
  expect(proxy.asked).toEqual(["CONNECT s3.test:443"]);
});

test("a store on this machine, or in NO_PROXY, is reached directly", async () => {
  const proxy = await startProxy({ answer: "" });
  const { store, server } = await open({ proxy: { httpProxy: proxy.origin } });
  await store.put("a.png", BYTES, putOptions(BYTES));
  expect([proxy.asked, server.seen.length]).toEqual([[], 1]);
});

test("keys of any printable character arrive as they were signed", async () => {
  const { store, server } = await open({});
  const key = "odd/a b+c!'()*~$&,;=:@[]{}|.png";
  await store.put(key, BYTES, putOptions(BYTES));
  expect(decodeURIComponent(server.seen[0]?.path ?? "")).toBe(`/archive/${key}`);
  expect((await store.get(key))?.length).toBe(BYTES.length);
});

test("many HEADs in a row share a connection", async () => {
  const { store, server } = await open({});
  await store.put("a.png", BYTES, putOptions(BYTES));
  for (let round = 0; round < 5; round++) await store.head("a.png");
  expect(server.connections()).toBe(1);
});

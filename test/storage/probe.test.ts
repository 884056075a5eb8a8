import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDirectoryStore } from "../../src/storage/directory.ts";
import { probeStore } from "../../src/storage/probe.ts";
import { createS3Store } from "../../src/storage/s3.ts";
import { type S3TestServer, startS3Server } from "../support/s3-server.ts";
import { putOptions } from "./put-options.ts";
import { type Misbehaviour, sendError, startStandIn } from "./s3-stand-in.ts";

let server: S3TestServer;
beforeAll(async () => {
  server = await startS3Server();
});
afterAll(() => server.close());

async function probeStandIn(misbehave: Misbehaviour) {
  const standIn = await startStandIn({ misbehave });
  const { endpoint } = standIn;
  const store = createS3Store({ ...server, endpoint, maxAttempts: 1 });
  try {
    return { probe: await probeStore(store), seen: standIn.seen };
  } finally {
    await store.close();
    await standIn.close();
  }
}

test("a directory has no guarantees to ask for, and is clean afterwards", async () => {
  const root = await mkdtemp(join(tmpdir(), "probe-"));
  const probe = await probeStore(createDirectoryStore({ root }));
  expect(probe).toEqual({ ok: true, location: root, ms: expect.any(Number) });
  expect(await readdir(join(root, "probes"))).toEqual([]);
  await rm(root, { recursive: true });
});

test("a server that checks nothing is distinguished from one that does", async () => {
  const careless = await probeStore(createS3Store(server));
  expect(careless.guarantees).toEqual({ etag_is_md5: true, checksum_enforced: false, conditional_put: false });

  const objects = new Map<string, Buffer>();
  const strict = await probeStandIn(strictServer(objects));
  expect(strict.probe).toMatchObject({
    ok: true,
    guarantees: { etag_is_md5: false, checksum_enforced: true, conditional_put: true },
  });
  expect(objects.size).toBe(0);
});

test("a store that refuses the checksum works without it, and says so", async () => {
  const objects = new Map<string, Buffer>();
  const strict = strictServer(objects);
  const { probe } = await probeStandIn((request, response) => {
    if (request.headers["x-amz-checksum-sha256"] !== undefined) return sendError(response, 501, "NotImplemented");
    const sum = Buffer.from(sha256(request.body), "hex").toString("base64");
    return strict({ ...request, headers: { ...request.headers, "x-amz-checksum-sha256": sum } }, response);
  });
  expect(probe).toMatchObject({ ok: true, guarantees: { checksum_enforced: false, checksum_refused: true } });
  expect(objects.size).toBe(0);
});

test("a refused write is reported, not thrown", async () => {
  const { probe } = await probeStandIn((_, response) => sendError(response, 403, "AccessDenied"));
  expect(probe).toMatchObject({ ok: false, location: "s3://archive/", error: { code: "store_access_denied" } });
});

test("a store that does not list or does not delete is reported", async () => {
  const objects = new Map<string, Buffer>();
  const strict = strictServer(objects);
  const noList = await probeStandIn((request, response) =>
    isListing(request.path) ? Boolean(response.end("<ListBucketResult/>")) : strict(request, response),
  );
  expect(noList.probe).toMatchObject({ ok: false, error: { code: "store_list_incomplete" } });
  expect(objects.size).toBe(0);

  const noDelete = await probeStandIn((request, response) =>
    request.method === "DELETE" ? Boolean(response.writeHead(204).end()) : strict(request, response),
  );
  expect(noDelete.probe).toMatchObject({ ok: false, error: { code: "store_delete_ignored" } });
});

test("an abort is passed on", async () => {
  const reason = new Error("enough");
  const store = createS3Store(server);
  await expect(probeStore(store, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  await store.close();
});

const isListing = (path: string) => path === "/archive" || path === "/archive/";

// A small S3 that keeps every promise: checksums, conditions, listing and deletion
function strictServer(objects: Map<string, Buffer>): Misbehaviour {
  return ({ method, path, headers, body }, response) => {
    if (isListing(path)) {
      const keys = [...objects.keys()].map((at) => `<Contents><Key>${at.slice("/archive/".length)}</Key></Contents>`);
      return Boolean(response.end(`<ListBucketResult>${keys.join("")}</ListBucketResult>`));
    }
    if (method === "DELETE") {
      objects.delete(path);
      return Boolean(response.writeHead(204).end());
    }
    if (method === "PUT") {
      const sum = Buffer.from(String(headers["x-amz-checksum-sha256"]), "base64").toString("hex");
      if (sum !== sha256(body)) return sendError(response, 400, "BadDigest");
      if (headers["if-none-match"] === "*" && objects.has(path)) return sendError(response, 412, "PreconditionFailed");
      objects.set(path, body);
      return Boolean(response.writeHead(200, { etag: '"opaque"' }).end());
    }
    const held = objects.get(path);
    if (held === undefined) return sendError(response, 404, "NoSuchKey");
    return Boolean(response.writeHead(200, { "content-length": held.length }).end(held));
  };
}

function sha256(bytes: Buffer): string {
  return putOptions(bytes).digest;
}

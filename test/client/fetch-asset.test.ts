// The bytes of an asset through the client: whole and as a stream, bounded, with tokens, from the bucket, and what fails.
import { createHash } from "node:crypto";
import type { RequestListener } from "node:http";
import { expect, inject, onTestFinished, test } from "vitest";
import { createClient } from "../../src/client.ts";
import { startServer } from "../../src/server/server.ts";
import { collect } from "../support/collect.ts";
import { closedOrigin, startHttp } from "../support/servers.ts";
import { openBusyWorld } from "../support/world.ts";

const DIGEST = "a".repeat(64);
const WAIT_MS = 60_000;

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function openArchive(settings: Record<string, string> = {}) {
  const world = await openBusyWorld({ settings: { PORT: "0", API_TOKENS: "token-a", ...settings } });
  const server = await startServer(world.app);
  onTestFinished(() => server.stop({ graceMs: 0 }));
  const client = createClient({ url: server.url, token: "token-a" });
  await client.enqueue({ prompt: "a fox", n: 2, request_id: "fox" });
  const { assets } = await client.wait("fox", { timeoutMs: WAIT_MS });
  return { client, assets, url: server.url };
}

test("an archived image comes whole, by its entry and by its digest, and as a stream; its small picture as well", async () => {
  const { client, assets, url } = await openArchive();
  expect(assets).toHaveLength(2);
  for (const asset of assets) {
    const bytes = await client.fetchAsset(asset);
    expect([bytes.length, digestOf(bytes)]).toEqual([asset.bytes, asset.digest]);
    expect(await client.fetchAsset(asset.digest)).toEqual(bytes);
    const { body, ...head } = await client.streamAsset(asset);
    expect(head).toEqual({ digest: asset.digest, content_type: "image/png", bytes: asset.bytes });
    expect(Buffer.concat(await collect(body))).toEqual(Buffer.from(bytes));
    const small = await client.fetchAsset(asset, { thumbnail: true });
    expect(Buffer.from(small).toString("latin1", 8, 12)).toBe("WEBP");
    // the address in the answer needs no token
    expect(digestOf(await (await fetch(asset.url ?? "")).bytes())).toBe(asset.digest);
  }
  const [bulk] = await collect(client.enqueueBulk([{ prompt: "a fox", n: 2, request_id: "fox" }]));
  expect(bulk).toMatchObject({ ok: true, state: "archived", assets });
  const stranger = createClient({ url, token: "guess" });
  await expect(stranger.fetchAsset(assets[0]?.digest ?? "")).rejects.toMatchObject({
    name: "ConfigError",
    code: "invalid_token",
    message: expect.not.stringContaining("guess"),
  });
  await expect(client.fetchAsset(DIGEST)).rejects.toMatchObject({ name: "RejectedError", code: "asset_not_found" });
});

test("what is no digest is refused unsent, and Redis alone has no bytes", async () => {
  const client = createClient({ url: await closedOrigin() });
  for (const wrong of ["", "fox", "A".repeat(64), `${DIGEST}/../x`, {}, null, undefined])
    await expect(client.fetchAsset(wrong as string)).rejects.toMatchObject({ code: "invalid_request" });
  await expect(client.fetchAsset(DIGEST)).rejects.toMatchObject({ code: "server_unreachable" });
  const direct = createClient({ redisUrl: inject("redisUrl") });
  onTestFinished(() => direct.close());
  for (const verb of ["fetchAsset", "streamAsset"] as const)
    await expect(direct[verb](DIGEST)).rejects.toMatchObject({
      code: "needs_http",
      message: /createClient\(\{ url \}\)/,
    });
});

async function standIn(handler: RequestListener, timeoutMs = 10_000) {
  return createClient({ url: await startHttp(handler), token: "secret", timeoutMs });
}

test("more bytes than maxBytes end it, announced or not", async () => {
  const bytes = Buffer.alloc(100_000, 1);
  const announced = await standIn((_, answer) => answer.writeHead(200, { "content-length": bytes.length }).end(bytes));
  const chunked = await standIn((_, answer) => void answer.write(bytes, () => answer.end()));
  for (const client of [announced, chunked])
    await expect(client.fetchAsset(DIGEST, { maxBytes: 99_999 })).rejects.toMatchObject({
      name: "RejectedError",
      code: "asset_too_large",
    });
  const exact = await announced.streamAsset(DIGEST, { maxBytes: 100_000 });
  expect(Buffer.concat(await collect(exact.body))).toEqual(bytes);
});

test("bytes of another digest, cut short, or that stop coming are each an error that says so", async () => {
  const other = await standIn((_, answer) => answer.end("other bytes"));
  await expect(other.fetchAsset(DIGEST)).rejects.toMatchObject({ name: "TransientError", code: "digest_mismatch" });
  const cut = await standIn((_, answer) => {
    answer.writeHead(200, { "content-length": 100 });
    answer.write("some", () => answer.destroy());
  });
  await expect(cut.fetchAsset(DIGEST)).rejects.toMatchObject({ name: "TransientError", code: "server_unreachable" });
  const stuck = await standIn((_, answer) => void answer.writeHead(200, { "content-length": 100 }).write("some"), 300);
  await expect(stuck.fetchAsset(DIGEST)).rejects.toMatchObject({ message: expect.stringContaining("300 ms") });
});

test("the signal ends it at once, before and between the bytes", async () => {
  const client = await standIn((_, answer) => void answer.writeHead(200).write("some"));
  await expect(client.fetchAsset(DIGEST, { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
  const controller = new AbortController();
  const { body } = await client.streamAsset(DIGEST, { signal: controller.signal });
  const reader = body.getReader();
  expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe("some");
  controller.abort(new Error("enough"));
  await expect(reader.read()).rejects.toThrow("enough");
});

test("a redirect to the bucket is followed without the token, any other is not", async () => {
  const bytes = Buffer.from("the bytes of the bucket");
  const digest = digestOf(bytes);
  const seen: (string | undefined)[] = [];
  const bucket = await startHttp((incoming, answer) => {
    seen.push(incoming.headers.authorization);
    answer.writeHead(incoming.url === "/gone" ? 403 : 200).end(bytes);
  });
  const to = (location: string, etag: string) =>
    standIn((_, answer) => answer.writeHead(302, { location, etag }).end());
  expect(Buffer.from(await (await to(`${bucket}/key`, `"${digest}"`)).fetchAsset(digest))).toEqual(bytes);
  expect(seen).toEqual([undefined]);
  await expect((await to(`${bucket}/gone`, `"${digest}"`)).fetchAsset(digest)).rejects.toMatchObject({
    name: "TransientError",
    code: "http_403",
  });
  await expect((await to(`${bucket}/key`, "")).fetchAsset(digest)).rejects.toMatchObject({ name: "ConfigError" });
});

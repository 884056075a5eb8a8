import { describe, expect, test } from "vitest";
import { parseBatchSidecar } from "../../src/domain/batch-sidecar.ts";
import type { Proof } from "../../src/domain/records.ts";
import { parseSidecar, sidecarBytes, toSidecar } from "../../src/domain/sidecar.ts";
import { found, keysOf, openWorld, startProcess, work } from "../pipeline/world.ts";

const DATA = {
  request_id: "r",
  prompt: "a red fox [short]",
  n: 2,
  tags: ["a"],
  metadata: { deep: [1, null] },
  webhook_url: "https://hooks.test/services/secret?token=secret#secret",
};

async function archived() {
  const world = await openWorld();
  const process = await startProcess(world);
  await work(world, process, DATA);
  return { process, detail: await found(process, "r") };
}

test("a sidecar holds no secret: neither the URLs of images nor the query of a webhook", async () => {
  const { detail } = await archived();
  expect(detail.images.every((image) => image.url?.includes("?"))).toBe(true);
  const text = sidecarBytes(toSidecar(detail)).toString();
  for (const { url } of detail.images) expect(text).not.toContain(url?.split("?")[1]);
  expect(text).not.toMatch(/\?|secret/);
  expect(JSON.parse(text).request.webhook_url).toBe("https://hooks.test");
  // what is left is no address: a rebuilt catalog notifies nobody
  expect(parseSidecar(Buffer.from(text), "key").request.webhook_url).toBeNull();
});

test("a sidecar survives JSON unchanged, and says everything about the request", async () => {
  const { detail } = await archived();
  const sidecar = toSidecar(detail);
  expect(JSON.parse(sidecarBytes(sidecar).toString())).toEqual(sidecar);
  const { request } = detail;
  expect(sidecar).toMatchObject({
    version: 1,
    request: { request_id: "r", recipe: request.recipe, recipe_id: request.recipe_id, state: "archived", tags: ["a"] },
    calls: [
      { n: 2, state: "answered" },
      { n: 1, state: "answered" },
    ],
    generations: [{ call_number: 1 }, { call_number: 2 }],
    assets: [
      { index: 0, call_number: 1, digest: detail.images[0]?.digest },
      { index: 1, call_number: 2 },
    ],
  });
});

test("the sidecar in the store is the one of the record, to the last byte", async () => {
  const { process, detail } = await archived();
  const [key = ""] = await keysOf(process, "requests/");
  expect(String(await process.store.get(key))).toBe(String(sidecarBytes(toSidecar(detail))));
});

test("a reproduction's sidecar names the original before anybody has compared them, and brings the proof back after", async () => {
  const { detail } = await archived();
  const read = (proof: Proof | null) =>
    parseSidecar(sidecarBytes(toSidecar({ ...detail, request: { ...detail.request, reproduces: "fox" }, proof })), "k");
  expect(read(null)).toMatchObject({ request: { reproduces: "fox" }, proof: null });
  const image = { index: 0, digest: "a".repeat(64), original_digest: null };
  const proof: Proof = {
    request_id: "r",
    original_id: "fox",
    outcome: "near",
    compared_at: 3_000,
    generated_at: 2_000,
    original_generated_at: 1_000,
    images: [
      { ...image, outcome: "near", distance: 3, mean_error: 1.25, reason: null },
      {
        ...image,
        index: 1,
        outcome: "incomparable",
        distance: null,
        mean_error: null,
        reason: "it was never archived",
      },
    ],
  };
  expect(read(proof).proof).toEqual(proof);
});

test("a sidecar written before reproductions existed is not a reproduction", async () => {
  const { detail } = await archived();
  const sidecar = JSON.parse(sidecarBytes(toSidecar(detail)).toString());
  delete sidecar.request.reproduces;
  expect(sidecar.proof).toBeUndefined();
  const read = parseSidecar(Buffer.from(JSON.stringify(sidecar)), "k");
  expect(read).toMatchObject({ request: { reproduces: null }, proof: null });
});

describe.each([100, 3_300, 4_400, 300_000])("a sidecar in which %i levels are nested", (levels) => {
  const deep = "[".repeat(levels) + "]".repeat(levels);
  const broken = expect.objectContaining({
    code: "sidecar_invalid",
    message: expect.stringContaining("wanted at most 72 levels"),
  });

  test.each([
    ["as metadata", `{"version":1,"request":{"request_id":"r","metadata":${deep}}}`],
    ["as a usage", `{"version":1,"generations":[{"usage":${deep}}]}`],
    ["in place of everything", deep],
  ])("is refused with a reason: %s", (_, json) => {
    expect(() => parseSidecar(Buffer.from(json), "k")).toThrow(broken);
  });

  test("is refused as a batch's, too", () => {
    const json = `{"version":1,"batch":{"batch_id":"b","result":${deep}}}`;
    expect(() => parseBatchSidecar(Buffer.from(json), "k")).toThrow(broken);
  });
});

test("a sidecar that is not UTF-8 is refused, and nothing in it is replaced", () => {
  const bytes = Buffer.from('{"version":1,"request":{"request_id":"caf\xe9"}}', "latin1");
  expect(() => parseSidecar(bytes, "k")).toThrow(/wanted UTF-8/);
  expect(() => parseBatchSidecar(bytes, "k")).toThrow(/wanted UTF-8/);
});

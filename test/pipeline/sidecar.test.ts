import { expect, test } from "vitest";
import { sidecarBytes, toSidecar } from "../../src/pipeline/sidecar.ts";
import { found, keysOf, openWorld, startProcess, work } from "./world.ts";

const DATA = {
  request_id: "r",
  prompt: "a red fox [short]",
  n: 2,
  tags: ["a"],
  metadata: { deep: [1, null] },
  webhook_url: "https://me:secret@hooks.test/x?token=secret#token",
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

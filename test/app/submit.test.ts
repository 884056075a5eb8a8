// The way in: on record first, then in the queue, then told; and told the same whoever asks the same.
import { expect, test, vi } from "vitest";
import { submit, waitForEnd } from "../../src/app/submit.ts";
import { openWorld } from "../support/world.ts";

test("what is accepted is on record and in the queue when it is told, one by one and many at once", async () => {
  const { app } = await openWorld();
  const { accept } = app.recorder();
  const { generate } = await app.queues();
  const submitOne = async (request_id: string) => {
    const { request } = await submit(app, { prompt: "a fox", request_id }, { accept });
    // this connection sees what is committed and nothing else
    expect((await app.catalog().find(request_id))?.request).toEqual(request);
    expect((await generate.getJob(`req-${request_id}`))?.data).toEqual({ request_id });
  };
  await submitOne("alone");
  await Promise.all(Array.from({ length: 100 }, (_, index) => submitOne(`r-${index}`)));
  expect(await generate.getWaitingCount()).toBe(101);
});

test("equal requests that race are one request with one job, and one with other content is told so", async () => {
  const { app } = await openWorld();
  const { accept } = app.recorder();
  const fox = { prompt: "a fox", request_id: "r-1" };
  const first = submit(app, fox, { accept });
  const equal = Array.from({ length: 50 }, () => submit(app, fox, { accept }));
  const other = submit(app, { ...fox, prompt: "a hare" }, { accept });
  await expect(other).rejects.toMatchObject({ code: "request_id_conflict" });
  // the seed that was drawn first is everybody's
  expect(new Set((await Promise.all(equal)).map(({ request }) => request.recipe?.seed))).toEqual(
    new Set([(await first).request.recipe?.seed]),
  );
  expect(await (await app.queues()).generate.getWaitingCount()).toBe(1);
});

test("all who wait in a process share one small look, and each reads its own request once", async () => {
  const { app } = await openWorld();
  const catalog = app.catalog();
  const ids = Array.from({ length: 40 }, (_, index) => `r-${index}`);
  for (const request_id of ids) await submit(app, { prompt: "a fox", request_id });
  const [states, find] = [vi.spyOn(catalog.browse, "states"), vi.spyOn(catalog, "find")];
  const signal = AbortSignal.timeout(30_000);
  const begun = performance.now();
  const waiting = Promise.all(ids.map((id) => waitForEnd(app, id, signal)));
  await vi.waitFor(() => expect(states.mock.calls.filter(([asked]) => asked.length === ids.length)).not.toEqual([]));
  expect(find).not.toHaveBeenCalled();
  for (const id of ids) await catalog.cancel(id);
  expect((await waiting).map((detail) => detail?.request.state)).toEqual(ids.map(() => "cancelled"));
  expect(find).toHaveBeenCalledTimes(ids.length);
  const looks = states.mock.calls.length - ids.length;
  expect(looks).toBeLessThanOrEqual((performance.now() - begun) / 150 + 1);
  expect(await waitForEnd(app, "nobody", signal)).toBeUndefined();
});

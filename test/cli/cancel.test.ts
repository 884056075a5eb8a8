import { expect, test } from "vitest";
import { addCall, addFailedCall, addFailedCopy, addRequest, openDesk, serve } from "./requests.ts";

/** The same answers from the catalog here and from a server. */
test.each(["here", "by HTTP"])("cancel cancels what has cost nothing, and says what is paid, %s", async (way) => {
  const desk = await openDesk();
  for (const request_id of ["queued", "out", "parked", "failed"])
    await addRequest(desk, { prompt: request_id, request_id });
  await addCall(desk, "out");
  await addFailedCall(desk, "parked", "unknown");
  await desk.app
    .catalog()
    .finish("parked", { state: "parked", error: { code: "call_reset", message: "nobody knows" } });
  await addFailedCopy(desk, "failed", Date.now());
  const flags = way === "here" ? [] : ["--url", await serve(desk)];
  const { code, out, err } = await desk.run(["cancel", "queued", "out", "parked", "failed", "nobody", ...flags]);
  expect(out.trim().split("\n")).toEqual(["queued cancelled", "parked cancelled"]);
  expect(err).toMatch(/^out is not cancelled: .* it is paid; it is finished and archived$/m);
  expect(err).toMatch(/^failed has ended already: it is failed$/m);
  expect(err).toMatch(/no request "nobody"/);
  expect(code).toBe(1);
  const { generate } = await desk.app.queues();
  expect(await generate.getJob("req-queued")).toBeUndefined();
  expect(await generate.getJob("req-out")).toBeDefined();
});

test("cancel --json prints a line for each request; once more is no error", async () => {
  const desk = await openDesk();
  await addRequest(desk, { prompt: "a", request_id: "a" });
  for (const _ of ["first", "again"]) {
    const { code, out } = await desk.run(["cancel", "a", "--json"]);
    expect(JSON.parse(out)).toEqual({ request_id: "a", cancelled: true, paid: false, state: "cancelled" });
    expect(code).toBe(0);
  }
});

test("cancel works while Redis is away: the record decides", async () => {
  const desk = await openDesk();
  await addRequest(desk, { prompt: "a", request_id: "a" });
  const { code, out } = await desk.run(["cancel", "a"], { env: { REDIS_URL: "redis://127.0.0.1:9" } });
  expect(out).toBe("a cancelled\n");
  expect(code).toBe(0);
  expect((await desk.app.catalog().find("a"))?.request.state).toBe("cancelled");
});

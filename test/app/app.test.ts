// The composition root closes what was opened, whatever fails meanwhile.
import { expect, test } from "vitest";
import { openWorld } from "../support/world.ts";

test("the first closer that throws leaves nothing open, and closing again closes nothing twice", async () => {
  const { app } = await openWorld();
  const catalog = app.catalog();
  const closed: string[] = [];
  app.onClose(() => void closed.push("opened first"));
  app.onClose(async () => {
    closed.push("rejects");
    throw new Error("cannot close");
  });
  app.onClose(() => {
    closed.push("throws");
    throw new Error("cannot close either");
  });
  app.onClose(() => void closed.push("opened last"));
  await expect(app.close()).rejects.toThrow("2 of them could not be closed");
  expect(closed).toEqual(["opened last", "throws", "rejects", "opened first"]);
  expect(() => catalog.invariants()).toThrow(/not open/);
  await app.close();
  expect(closed).toHaveLength(4);
});

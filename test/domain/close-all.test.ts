// Closing many things: one that fails leaves none of the others open.
import { expect, test } from "vitest";
import { closeAll, closeTogether } from "../../src/domain/close-all.ts";

test.each([
  ["one after the other", closeAll],
  ["at the same time", closeTogether],
])("%s: all are closed, and what failed is thrown", async (_, close) => {
  const closed: string[] = [];
  const ends = (name: string) => async () => void closed.push(name);
  const fails = (name: string) => () => {
    closed.push(name);
    throw new Error(`${name} failed`);
  };
  const rejects = async () => {
    closed.push("rejects");
    throw new Error("rejects failed");
  };
  await close([ends("a"), ends("b")]);
  await expect(close([fails("c"), ends("d")])).rejects.toThrow("c failed");
  await expect(close([ends("e"), rejects, fails("f"), ends("g")])).rejects.toMatchObject({
    errors: [{ message: "rejects failed" }, { message: "f failed" }],
  });
  expect(closed.sort()).toEqual(["a", "b", "c", "d", "e", "f", "g", "rejects"]);
});

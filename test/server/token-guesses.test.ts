import { expect, test } from "vitest";
import { createTokenGuesses } from "../../src/server/token-guesses.ts";
import { openServed } from "./support.ts";

function open() {
  let now = 1_000_000;
  const guesses = createTokenGuesses({ now: () => now });
  const judge = (address: string, token?: number) => guesses.judge({ address, authorization: "Bearer x", token });
  const wait = (ms: number) => {
    now += ms;
  };
  return { judge, wait, guesses };
}

test("an address may be wrong twenty times, then every three seconds; a right guess does not help meanwhile", () => {
  const { judge, wait } = open();
  for (let time = 0; time < 20; time++) expect(judge("192.0.2.1")).toBe(0);
  expect(judge("192.0.2.1")).toBe(3_000);
  expect(judge("192.0.2.1", 0)).toBe(3_000);
  expect(judge("192.0.2.2", 0)).toBe(0);
  wait(3_000);
  expect(judge("192.0.2.1")).toBe(0);
  expect(judge("192.0.2.1")).toBe(3_000);
  wait(3_000);
  expect(judge("192.0.2.1", 0)).toBe(0);
});

test("a token that an address has used is good there, whatever its neighbours guess", () => {
  const { judge } = open();
  expect(judge("192.0.2.1", 1)).toBe(0);
  for (let time = 0; time < 30; time++) judge("192.0.2.1");
  expect(judge("192.0.2.1", 1)).toBe(0);
  expect(judge("192.0.2.1", 0)).toBeGreaterThan(0);
});

test.each([
  ["2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true],
  ["2001:db8:0:1::1", "2001:db8:0:2::1", false],
  ["::ffff:192.0.2.1", "192.0.2.1", true],
  ["::1", "::2", true],
])("%s and %s are one caller: %s", (one, other, same) => {
  const { judge } = open();
  for (let time = 0; time < 21; time++) judge(one);
  expect(judge(other) > 0).toBe(same);
});

test("a caller without a token is not held back, and without API_TOKENS nobody is", async () => {
  const { guesses } = open();
  for (let time = 0; time < 30; time++)
    expect(guesses.judge({ address: "a", authorization: undefined, token: undefined })).toBe(0);
  const { ask } = await openServed();
  for (let time = 0; time < 25; time++)
    expect((await ask("/v1/status", { headers: { authorization: "Bearer sk-any" } })).status).toBe(200);
});

test("the server answers 429 with Retry-After to the twenty-first wrong token", async () => {
  const { ask } = await openServed({ API_TOKENS: "s3cret" });
  const status = async (token: string) => {
    const answer = await ask("/v1/status", { headers: { authorization: `Bearer ${token}` } });
    await answer.arrayBuffer();
    return [answer.status, answer.headers.has("retry-after")];
  };
  for (let time = 0; time < 20; time++) expect(await status("wrong")).toEqual([401, false]);
  expect(await status("wrong")).toEqual([429, true]);
  expect(await status("s3cret")).toEqual([429, true]);
});

test("/readyz looks once for all who ask at the same time", async () => {
  const { ask, app } = await openServed();
  let looks = 0;
  const store = app.store();
  const { head } = store;
  store.head = (...args) => {
    looks += 1;
    return head(...args);
  };
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask("/readyz")));
  expect(answers.every(({ status }) => status === 200)).toBe(true);
  expect(looks).toBe(1);
});

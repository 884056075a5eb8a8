import { expect, test } from "vitest";
import { isLoopback } from "../../src/domain/loopback.ts";

test.each([
  ["localhost", true],
  ["LOCALHOST.", true],
  ["app.localhost", true],
  ["127.0.0.1", true],
  ["127.8.9.10", true],
  ["::1", true],
  ["[::1]", true],
  ["::ffff:127.0.0.1", true],
  ["0.0.0.0", false],
  ["::", false],
  ["10.0.0.1", false],
  ["127.0.0.1.evil.example", false],
  ["localhost.evil.example", false],
  ["evil.example", false],
  ["", false],
])("%j is loopback: %s", (host, wanted) => {
  expect(isLoopback(host)).toBe(wanted);
});

import { expect, test } from "vitest";
import { matchesHost, parseHostPattern } from "../../src/outbound/host-pattern.ts";

test.each([
  ["images.test", { host: "images.test", port: undefined, subdomains: false }],
  [" Images.TEST. ", { host: "images.test", port: undefined, subdomains: false }],
  ["images.test:8080", { host: "images.test", port: "8080", subdomains: false }],
  ["my_store:9000", { host: "my_store", port: "9000", subdomains: false }],
  ["*.images.test", { host: "images.test", port: undefined, subdomains: true }],
  ["10.0.0.5:9000", { host: "10.0.0.5", port: "9000", subdomains: false }],
  ["2130706433", { host: "127.0.0.1", port: undefined, subdomains: false }],
  ["::1", { host: "[::1]", port: undefined, subdomains: false }],
  ["[FD00::1]:80", { host: "[fd00::1]", port: "80", subdomains: false }],
  ["bücher.test", { host: "xn--bcher-kva.test", port: undefined, subdomains: false }],
])("%s is a host", (text, pattern) => {
  expect(parseHostPattern(text)).toEqual(pattern);
});

test.each([
  "http://images.test",
  "https://images.test:8080/",
  "//images.test",
  "images.test/",
  "images.test/path",
  "images.test?x",
  "user@images.test",
  "a b",
  "*",
  "*.",
  "*images.test",
  "a.*.test",
  "*.10.0.0.1",
  "10.0.0.0/8",
  "images.test:",
  "images.test:0",
  "images.test:65536",
  "images.test:http",
  "[::1",
  "::g",
  "",
])("%j is not a host pattern", (text) => {
  expect(parseHostPattern(text)).toBeUndefined();
});

test.each([
  ["*.images.test", "a.images.test", true],
  ["*.images.test", "images.test", false],
  ["*.images.test", "badimages.test", false],
  ["images.test", "a.images.test", false],
])("%s for %s: %s", (text, host, matches) => {
  const pattern = parseHostPattern(text);
  expect(pattern && matchesHost(pattern, host, "443")).toBe(matches);
});

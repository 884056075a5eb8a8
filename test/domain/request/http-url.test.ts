import { expect, test } from "vitest";
import { httpUrlFault, redactUrl, withoutQuery } from "../../../src/domain/request/http-url.ts";

test.each([
  ["https://hooks.slack.com/services/T0/B0/secret", "https://hooks.slack.com"],
  ["https://discord.com/api/webhooks/1/secret?wait=true", "https://discord.com"],
  ["http://127.0.0.1:8080/hook?token=secret#secret", "http://127.0.0.1:8080"],
  ["https://me:secret@hooks.test/x", "https://hooks.test"],
  ["https://hooks.test", "https://hooks.test"],
  ["secret", null],
  ["mailto:secret@x.test", null],
  [null, null],
])("of %s is shown %s", (url, shown) => {
  expect(redactUrl(url)).toBe(shown);
});

test.each([
  ["https://a.test/x?y=me@b.test", undefined],
  ["http://[::1]:80", undefined],
  ["https://me:secret@a.test", "wanted a URL without user and password"],
  ["https://me@a.test", "wanted a URL without user and password"],
  ["https://:secret@a.test", "wanted a URL without user and password"],
  ["ftp://a.test", "wanted a URL that begins with http:// or https://"],
  ["a.test", "wanted a URL that begins with http:// or https://"],
])("%s: %s", (url, fault) => {
  expect(httpUrlFault(url)).toBe(fault);
});

test("a manifest is named by its address without what may be secret", () => {
  expect(withoutQuery("https://me:secret@m.test/a/b.csv?sig=secret#secret")).toBe("https://m.test/a/b.csv");
  expect(withoutQuery("no url?secret")).toBe("no url");
});

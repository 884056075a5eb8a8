import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createUrlSigner } from "../../src/app/url-signing.ts";
import { ConfigError } from "../../src/domain/errors.ts";

const DIGEST = "a".repeat(64);

async function keyFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "asset-archiver-key-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "inner", "asset-url.key");
}

test("what one server signed another one with the same file believes, and only for that asset", async () => {
  const file = await keyFile();
  const signature = createUrlSigner({ file }).sign(DIGEST, "content");
  const later = createUrlSigner({ file });
  expect(later.isSigned(DIGEST, "content", signature)).toBe(true);
  expect(later.isSigned(DIGEST, "thumbnail", signature)).toBe(false);
  expect(later.isSigned("b".repeat(64), "content", signature)).toBe(false);
  expect(later.isSigned(DIGEST, "content", signature.slice(0, -2))).toBe(false);
  expect(later.isSigned(DIGEST, "content", "")).toBe(false);
  expect(later.isSigned(DIGEST, "content", undefined)).toBe(false);
});

test("another key signs otherwise", async () => {
  const [one, other] = [createUrlSigner({ file: await keyFile() }), createUrlSigner({ file: await keyFile() })];
  expect(other.isSigned(DIGEST, "content", one.sign(DIGEST, "content"))).toBe(false);
});

test("the key is the owner's alone, and no signature holds it", async () => {
  const file = await keyFile();
  const signature = createUrlSigner({ file }).sign(DIGEST, "content");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(signature).not.toContain((await readFile(file, "utf8")).trim());
});

test("a key that was cut short is a ConfigError", async () => {
  const file = await keyFile();
  createUrlSigner({ file }).sign(DIGEST, "content");
  await writeFile(file, "short");
  expect(() => createUrlSigner({ file }).sign(DIGEST, "content")).toThrow(ConfigError);
});

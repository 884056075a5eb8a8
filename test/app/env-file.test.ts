import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readEnvFile } from "../../src/app/env-file.ts";

async function envFile(bytes: Buffer): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "archiver-env-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, ".env"), bytes);
  return join(folder, ".env");
}

const TEXT = "PORT=81\r\nexport QUEUE_PREFIX='{a b}' # mine\r\n\r\nIMAGE_API_KEY=sk-1\r\n";
const READ = { PORT: "81", QUEUE_PREFIX: "{a b}", IMAGE_API_KEY: "sk-1" };

test.each([
  ["UTF-8 with a byte order mark", Buffer.from(`\ufeff${TEXT}`)],
  ["UTF-8 without one", Buffer.from(TEXT)],
  ["UTF-16, as PowerShell writes it", Buffer.from(`\ufeff${TEXT}`, "utf16le")],
  ["UTF-16 in the other order", Buffer.from(`\ufeff${TEXT}`, "utf16le").swap16()],
  ["Unix line ends", Buffer.from(TEXT.replaceAll("\r", ""))],
])("an env file in %s is read whole, its first line too", async (_, bytes) => {
  expect(readEnvFile(await envFile(bytes))).toEqual(READ);
});

test("none is none; what cannot be read is a fault of the settings", async () => {
  const path = await envFile(Buffer.from("PORT=\xff\xfe\xfd", "latin1"));
  expect(() => readEnvFile(path)).toThrow(expect.objectContaining({ name: "ConfigError", code: "invalid_settings" }));
  expect(readEnvFile(`${path}.none`)).toEqual({});
  await mkdir(`${path}.folder`);
  expect(() => readEnvFile(`${path}.folder`)).toThrow(/Cannot read .*EISDIR/);
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { takeFileLock } from "../../../src/catalog/db/file-lock.ts";
import { testFolder } from "../support.ts";

const AT_ONCE = { waitMs: 0 };
const MODULE = new URL("../../../src/catalog/db/file-lock.ts", import.meta.url).href;

test("one holds the lock until it is released", () => {
  const path = join(testFolder(), "lock");
  const first = takeFileLock(path, AT_ONCE);
  expect(first).toBeDefined();
  expect(takeFileLock(path, AT_ONCE)).toBeUndefined();
  first?.release();
  const second = takeFileLock(path, AT_ONCE);
  expect(second).toBeDefined();
  second?.release();
});

test("a file that cannot be locked at all is named", () => {
  const path = join(testFolder(), "lock");
  mkdirSync(path);
  expect(() => takeFileLock(path, AT_ONCE)).toThrow(
    expect.objectContaining({ code: "catalog_unwritable", message: expect.stringContaining(`"${path}"`) }),
  );
});

test("who may not write the file does not hold the lock", async () => {
  const path = join(testFolder(), "lock");
  writeFileSync(path, "");
  chmodSync(path, 0o444);
  chmodSync(dirname(path), 0o755);
  // root may write everything: it becomes nobody, when all it needs is loaded
  const program = `const { takeFileLock } = await import(${JSON.stringify(MODULE)});
    takeFileLock(${JSON.stringify(`${path}.other`)}, { waitMs: 0 }).release();
    if (process.getuid() === 0) process.setuid(65_534);
    try {
      takeFileLock(${JSON.stringify(path)}, { waitMs: 0 });
      console.log("held");
    } catch (error) {
      console.log(error.code);
    }`;
  const other = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  expect((await text(other.stdout)).trim()).toBe("catalog_unwritable");
});

test("a killed holder gives it back", async () => {
  const path = join(testFolder(), "lock");
  const program = `const { takeFileLock } = await import(${JSON.stringify(MODULE)});
    const lock = takeFileLock(${JSON.stringify(path)}, { waitMs: 0 });
    setInterval(() => lock, 1000);
    console.log("held");`;
  const holder = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void holder.kill("SIGKILL"));
  await once(holder.stdout, "data");
  expect(takeFileLock(path, AT_ONCE)).toBeUndefined();
  holder.kill("SIGKILL");
  await once(holder, "exit");
  const lock = takeFileLock(path, AT_ONCE);
  expect(lock).toBeDefined();
  lock?.release();
});

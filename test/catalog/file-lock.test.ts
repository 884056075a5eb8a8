import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { takeFileLock } from "../../src/catalog/file-lock.ts";
import { testFolder } from "./support.ts";

const AT_ONCE = { waitMs: 0 };

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

test("a killed holder gives it back", async () => {
  const path = join(testFolder(), "lock");
  const module = new URL("../../src/catalog/file-lock.ts", import.meta.url).href;
  const program = `const { takeFileLock } = await import(${JSON.stringify(module)});
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

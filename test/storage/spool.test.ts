import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createSpool } from "../../src/storage/spool.ts";

function openSpool() {
  const root = mkdtempSync(join(tmpdir(), "asset-archiver-spool-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const folder = join(root, "deep", "spool");
  return { folder, root, spool: createSpool({ folder }) };
}

test("bytes come back as they were written, in a folder that is made when it is needed", async () => {
  const { spool, folder } = openSpool();
  expect(await spool.list()).toEqual([]);
  const bytes = Buffer.from([0, 255, 10, 13]);
  await spool.write("r.1.0", bytes);
  expect(await spool.read("r.1.0")).toEqual(bytes);
  expect(await createSpool({ folder }).read("r.1.0")).toEqual(bytes);
  expect(await spool.list()).toEqual(["r.1.0"]);
});

test("the same name again replaces what was there, and leaves nothing beside it", async () => {
  const { spool, folder } = openSpool();
  await spool.write("r.1.0", Buffer.from("a long first version"));
  await spool.write("r.1.0", Buffer.from("second"));
  expect(String(await spool.read("r.1.0"))).toBe("second");
  expect(readdirSync(folder)).toEqual(["r.1.0"]);
});

test("admit is called before a read, with the size, and not for a missing file", async () => {
  const { spool } = openSpool();
  await spool.write("r.1.0", Buffer.alloc(1234));
  const asked: number[] = [];
  const admit = async (bytes: number) => void asked.push(bytes);
  expect(await spool.read("r.1.0", { admit })).toHaveLength(1234);
  expect(await spool.read("r.1.9", { admit })).toBeUndefined();
  expect(asked).toEqual([1234]);
});

test("what is not there is undefined to read, and no error to remove", async () => {
  const { spool } = openSpool();
  expect(await spool.read("r.1.0")).toBeUndefined();
  await spool.remove("r.1.0");
  await spool.write("r.1.0", Buffer.from("x"));
  await spool.remove("r.1.0");
  expect(await spool.read("r.1.0")).toBeUndefined();
});

test("an unfinished file of a killed process is not listed", async () => {
  const { spool, folder } = openSpool();
  await spool.write("r.1.0", Buffer.from("x"));
  writeFileSync(join(folder, "r.1.1.unfinished"), "half");
  expect(await spool.list()).toEqual(["r.1.0"]);
  expect(await spool.read("r.1.1")).toBeUndefined();
  await spool.write("r.1.1", Buffer.from("whole"));
  expect((await spool.list()).sort()).toEqual(["r.1.0", "r.1.1"]);
});

test.each([".hidden.1.0", "...1.0", "-.1.0", `${"x".repeat(100)}.12.3`])(
  "every name that a request id can give is taken: %s",
  async (name) => {
    const { spool } = openSpool();
    await spool.write(name, Buffer.from("x"));
    expect(await spool.list()).toEqual([name]);
  },
);

test.each(["", ".", "..", "a/b", "../x", "a\\b", "a\u0000b", "ü"])(
  "an invalid name is a bug, and not the disk's: %j",
  async (name) => {
    const { spool } = openSpool();
    for (const work of [
      () => spool.write(name, Buffer.from("x")),
      () => spool.read(name),
      async () => spool.remove(name),
    ]) {
      await expect(work()).rejects.toThrow(TypeError);
    }
  },
);

test("a disk that does not take or give requires operator action", async () => {
  const { spool, folder, root } = openSpool();
  writeFileSync(join(root, "deep"), "a file in the place of the folder");
  await expect(spool.write("r.1.0", Buffer.from("x"))).rejects.toMatchObject({
    name: "ConfigError",
    code: "spool_failed",
  });
  rmSync(join(root, "deep"));
  await spool.write("r.1.0", Buffer.from("x"));
  rmSync(join(folder, "r.1.0"));
  // a folder cannot be read like a file, even by root
  await createSpool({ folder: join(folder, "r.1.0") }).write("x", Buffer.from("x"));
  await expect(spool.read("r.1.0")).rejects.toMatchObject({ name: "ConfigError", code: "spool_failed" });
});

// The directory store: the common contract, and what only files can do.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConfigError } from "../../src/domain/errors.ts";
import { createDirectoryStore } from "../../src/storage/directory.ts";
import { probeStore } from "../../src/storage/probe.ts";
import { putOptions } from "./put-options.ts";
import { describeStore, keysOf } from "./store-suite.ts";

const WRITER = join(import.meta.dirname, "put-and-die.ts");

describeStore("directory store", async () => {
  const root = await mkdtemp(join(tmpdir(), "store-"));
  const store = createDirectoryStore({ root: join(root, "not", "there", "yet") });
  return {
    store,
    async tamper(key, bytes) {
      await mkdir(dirname(store.locate(key)), { recursive: true });
      await writeFile(store.locate(key), bytes);
    },
    close: () => rm(root, { recursive: true }),
  };
});

describe("files of the directory store", () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "store-"));
  });
  afterAll(() => rm(root, { recursive: true }));

  test("stand under their key, and no temporary file stays", async () => {
    const store = createDirectoryStore({ root: join(root, "plain") });
    const bytes = randomBytes(100);
    await store.put("images/ab/abcd.png", bytes, putOptions(bytes));
    expect(await readFile(join(root, "plain/images/ab/abcd.png"))).toEqual(bytes);
    expect(await readdir(join(root, "plain/.tmp"))).toEqual([]);
  });

  test("an equal file that is there is left alone", async () => {
    const store = createDirectoryStore({ root: join(root, "equal") });
    const bytes = randomBytes(100);
    await store.put("a.png", bytes, putOptions(bytes));
    const before = await stat(store.locate("a.png"));
    await store.put("a.png", bytes, putOptions(bytes));
    expect((await stat(store.locate("a.png"))).ino).toBe(before.ino);
  });

  test("bytes that do not have the digest they are said to have never get the final name", async () => {
    const store = createDirectoryStore({ root: join(root, "digest") });
    const put = store.put("a.png", Buffer.from("one"), putOptions(Buffer.from("two")));
    await expect(put).rejects.toMatchObject({ name: "TransientError", code: "store_mismatch" });
    expect(await keysOf(store, "")).toEqual([]);
    expect(await readdir(join(root, "digest/.tmp"))).toEqual([]);
  });

  test("left-over temporary files go after an hour, younger ones stay, and none is listed", async () => {
    const at = join(root, "stale");
    await mkdir(join(at, ".tmp"), { recursive: true });
    for (const name of ["old", "young"]) await writeFile(join(at, ".tmp", name), "half a file");
    const twoHoursAgo = new Date(Date.now() - 2 * 3600_000);
    await utimes(join(at, ".tmp/old"), twoHoursAgo, twoHoursAgo);
    const store = createDirectoryStore({ root: at });
    const bytes = Buffer.from("x");
    await store.put("a.png", bytes, putOptions(bytes));
    expect(await readdir(join(at, ".tmp"))).toEqual(["young"]);
    expect(await keysOf(store, "")).toEqual(["a.png"]);
  });

  test("a folder that vanished while the store was open is made again", async () => {
    const store = createDirectoryStore({ root: join(root, "vanished") });
    const bytes = Buffer.from("x");
    await store.put("deep/er/a.png", bytes, putOptions(bytes));
    await rm(join(root, "vanished"), { recursive: true });
    await store.put("deep/er/a.png", bytes, putOptions(bytes));
    expect(await keysOf(store, "")).toEqual(["deep/er/a.png"]);
  });

  test("a file where the folder should be is the operator's business", async () => {
    await writeFile(join(root, "file"), "not a folder");
    const store = createDirectoryStore({ root: join(root, "file") });
    const bytes = Buffer.from("x");
    const put = store.put("images/a.png", bytes, putOptions(bytes));
    await expect(put).rejects.toThrow(ConfigError);
    await expect(put).rejects.toMatchObject({ code: "store_unwritable" });
    expect(await probeStore(store)).toMatchObject({ ok: false, error: { code: "store_unwritable" } });
  });

  test.skipIf(process.platform !== "linux")(
    "writing past a limit is the operator's business, and leaves nothing",
    async () => {
      const at = join(root, "limited");
      // files of a few MiB at most (the unit differs between shells): as near to a full disk as a test gets without one
      const child = spawn("sh", ["-c", 'ulimit -f 8192; exec "$0" "$@"', process.execPath, WRITER, at], {
        stdio: ["ignore", "ignore", "pipe"],
      });
      const [said] = await Promise.all([text(child.stderr), once(child, "exit")]);
      expect(said).toMatch(/store_full/);
      expect(await readdir(join(at, ".tmp"))).toEqual([]);
      expect(await keysOf(createDirectoryStore({ root: at }), "")).toEqual([]);
    },
  );

  test("a process killed in the middle of a put leaves no half file under the final name", async () => {
    const at = join(root, "killed");
    const child = spawn(process.execPath, [WRITER, at, "die"], { stdio: "inherit" });
    const [, killedBy] = await once(child, "exit");
    expect(killedBy).toBe("SIGKILL");
    // half a file was there, and not under the key
    expect(await readdir(join(at, ".tmp"))).toHaveLength(1);
    const store = createDirectoryStore({ root: at });
    expect(await keysOf(store, "")).toEqual([]);
    const bytes = Buffer.from("whole");
    await store.put("images/large.png", bytes, putOptions(bytes));
    expect(await store.get("images/large.png")).toEqual(bytes);
  });
});

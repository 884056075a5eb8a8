import { mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeFolder, makeFolderSync } from "../../src/storage/make-folder.ts";

let base: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "make-folder-"));
});
afterEach(() => rm(base, { recursive: true }));

describe.each([
  ["makeFolder", makeFolder],
  ["makeFolderSync", async (...args: Parameters<typeof makeFolder>) => makeFolderSync(...args)],
])("%s", (_, make) => {
  test("makes all parents and names the topmost it made", async () => {
    expect(await make(join(base, "a/b/c"), { mode: 0o700 })).toBe(join(base, "a"));
    expect((await stat(join(base, "a/b/c"))).mode & 0o777).toBe(0o700);
    expect(await make(join(base, "a/b/d"))).toBe(join(base, "a/b/d"));
    expect(await make(join(base, "a/b/c"))).toBeUndefined();
  });

  test("of many at once each succeeds", async () => {
    await Promise.all(Array.from({ length: 20 }, (_, i) => make(join(base, "x/y", String(i % 3)))));
    expect((await stat(join(base, "x/y/2"))).isDirectory()).toBe(true);
  });

  test("a file in the way is ENOTDIR, a link to nothing an error too", async () => {
    await writeFile(join(base, "file"), "");
    await expect(make(join(base, "file/sub"))).rejects.toMatchObject({ code: "ENOTDIR" });
    await expect(make(join(base, "file"))).rejects.toMatchObject({ code: "ENOTDIR" });
    await symlink(join(base, "nothing"), join(base, "link"));
    await expect(make(join(base, "link/sub"))).rejects.toThrow();
  });

  test.runIf(process.platform === "linux").each(["/proc/nope", "/proc/nope/deeper/still", "/sys/nope/deeper"])(
    "where no folder can be made it says so at once: %s",
    async (path) => {
      await expect(make(path)).rejects.toMatchObject({ code: expect.stringMatching(/^(ENOTSUP|EPERM|EACCES|EROFS)$/) });
    },
  );
});

// `catalog lock` and `catalog check` as they are used: the first beside the archive, the second in another project.
import { copyFile, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LockEntry } from "../../src/domain/lockfile/entry.ts";
import { openPlace, type Place, startSandbox, startWorker } from "./support.ts";

const MANIFEST = `defaults: { collection: animals }
matrix: { style: [oil, woodcut] }
items:
  - prompt: a red fox, {style}
    n: 2
  - prompt: a badger
    seeds: 2
`;

let place: Place;
let entries: LockEntry[];
/** The other project: a folder with the lock file and nothing else, and no settings but where the store is. */
let project: string;
let root: string;

beforeAll(async () => {
  place = await openPlace();
  const sandbox = await startSandbox(place, ["--image-scale", "0.02"]);
  await startWorker(place, sandbox.settings);
  await writeFile(join(place.folder, "night.yaml"), MANIFEST);
  await place.run(["bulk", "night.yaml", "--wait"]);
  const { out } = await place.run(["catalog", "lock", "night.yaml"]);
  root = out.trim();
  project = join(place.folder, "project");
  await mkdir(project);
  await copyFile(join(place.folder, "night.lock.json"), join(project, "art.lock.json"));
  ({ entries } = JSON.parse(await readFile(join(project, "art.lock.json"), "utf8")) as { entries: LockEntry[] });
});

afterAll(() => place.close());

function check(args: string[], file = "project/art.lock.json") {
  // what an empty environment has: these names are taken for not given
  const env = { REDIS_URL: "", QUEUE_PREFIX: "", CATALOG_URL: "" };
  return place.run(["catalog", "check", file, ...args], { env });
}

describe("catalog lock", () => {
  test("prints the root in one line, and writes the same bytes again", async () => {
    expect(root).toMatch(/^root sha256:[0-9a-f]{64} \(6 images of 4 requests\)$/);
    expect(entries.map(({ images }) => images.length)).toEqual([2, 2, 1, 1]);
    const first = await readFile(join(place.folder, "night.lock.json"), "utf8");
    const again = await place.run(["catalog", "lock", "night.yaml", "--output", "locks/again.json", "--json"]);
    expect(again.code).toBe(0);
    expect(await readFile(join(place.folder, "locks/again.json"), "utf8")).toBe(first);
    expect(await readdir(join(place.folder, "locks"))).toEqual(["again.json"]);
    expect(JSON.parse(again.out)).toEqual({
      output: "locks/again.json",
      root: root.split(" ")[1],
      requests: 4,
      images: 6,
      duplicates: 0,
      left_count: 0,
      left_by_kind: {},
      left: [],
    });
  });

  test("writes nothing where something is not archived, and says what; with --partial the rest", async () => {
    const text = `${MANIFEST}  - prompt: a new owl\n  - prompt: a lynx\n    steps: 99\n`;
    const refused = await place.run(["catalog", "lock", "-", "--output", "more.lock.json"], { input: text });
    expect(refused.code).toBe(1);
    expect(refused.out).toBe("");
    expect(refused.err).toMatch(/line 8: unknown "m-[0-9a-f]+": it was never asked for.*\nline 9: invalid: steps: /);
    expect(await readdir(place.folder)).not.toContain("more.lock.json");
    const flags = ["--output", "more.lock.json", "--partial", "--json"];
    const partial = await place.run(["catalog", "lock", "-", ...flags], { input: text });
    expect(partial.code).toBe(0);
    expect(JSON.parse(partial.out)).toMatchObject({
      output: "more.lock.json",
      root: root.split(" ")[1],
      left_by_kind: { unknown: 1, invalid: 1 },
    });
  });

  test.each([
    [["-"], "--output: wanted a file"],
    [["art.jsonl", "--output", "-"], "--output: wanted a file"],
    [["art.jsonl", "--output", "./art.jsonl"], "--output: wanted another file than the manifest"],
    [["nowhere.jsonl"], "there is no such file"],
  ])("refuses %j with 2", async (args, reason) => {
    const { code, err } = await place.run(["catalog", "lock", ...args]);
    expect(code).toBe(2);
    expect(err).toContain(reason);
  });
});

describe("catalog check", () => {
  test("finds everything from the lock file and the store alone, and leaves nothing behind", async () => {
    const before = await readdir(place.folder, { recursive: true });
    const { code, out, err } = await check([]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const location = join(place.folder, "archive");
    const told = `6 of 6 files are there (6 by size alone (--deep reads them)), in ${location}`;
    expect(out.split("\n").slice(0, 2)).toEqual([root, told]);
    const deep = await check(["--deep", "--json"]);
    expect(JSON.parse(deep.out)).toEqual({
      lockfile: "project/art.lock.json",
      ok: true,
      root: root.split(" ")[1],
      requests: 4,
      images: 6,
      location,
      objects: 6,
      by_digest: 6,
      by_size: 0,
      unreachable: 0,
      unreachable_first: [],
      found: [],
      manifest: null,
    });
    expect(await readdir(place.folder, { recursive: true })).toEqual(before);
  });

  test("ends with 1 where an image is gone, and names it", async () => {
    const key = entries[1]?.images[1]?.key ?? "";
    const path = join(place.folder, "archive", key);
    await copyFile(path, join(place.folder, "kept"));
    await rm(path);
    const { code, out } = await check([]);
    await copyFile(join(place.folder, "kept"), path);
    expect(code).toBe(1);
    expect(out).toContain(`missing  image 1 of "${entries[1]?.request_id}": ${key}`);
    expect(out).toContain("5 of 6 files are there");
  });

  test("ends with 1 where the store gives no word of an image, and names it", async () => {
    const key = entries[1]?.images[0]?.key ?? "";
    const path = join(place.folder, "archive", key);
    await rename(path, join(place.folder, "kept"));
    // a link to itself is there, and cannot be looked at by anybody
    await symlink(path, path);
    const text = await check([]);
    const json = await check(["--json"]);
    await rename(join(place.folder, "kept"), path);
    expect([text.code, json.code]).toEqual([1, 1]);
    expect(text.out).toContain(`unreachable  image 0 of "${entries[1]?.request_id}": ${key}: Cannot get "${key}"`);
    expect(text.out).toContain("5 of 6 files are there (5 by size alone (--deep reads them)), 1 not looked at, in");
    expect(text.err).toBe("The store gave no word of 1 file: nothing is known of it, check again\n");
    const images = [{ request_id: entries[1]?.request_id, index: 0 }];
    expect(JSON.parse(json.out)).toMatchObject({
      ok: false,
      unreachable: 1,
      unreachable_first: [{ key, images }],
      found: [],
    });
  });

  test("asks whether it is the right store where nothing is there, and makes no folder", async () => {
    const { code, err } = await place.run(["catalog", "check", "project/art.lock.json"], {
      env: { STORAGE_URL: "file:./elsewhere" },
    });
    expect(code).toBe(1);
    expect(err).toContain(`is ${join(place.folder, "elsewhere")} the right store? STORAGE_URL names it`);
    expect(await readdir(place.folder)).not.toContain("elsewhere");
  });

  test("tells with --manifest what the manifest asks for otherwise now", async () => {
    expect((await check(["--manifest", "night.yaml"])).code).toBe(0);
    await writeFile(join(place.folder, "now.yaml"), MANIFEST.replace("a badger", "a stoat"));
    const { code, out } = await check(["--manifest", "now.yaml", "--json"]);
    expect(code).toBe(1);
    const { ok, found, manifest } = JSON.parse(out) as {
      ok: boolean;
      found: [];
      manifest: { found: { kind: string }[] };
    };
    expect({ ok, found }).toEqual({ ok: false, found: [] });
    expect(manifest.found.map(({ kind }) => kind)).toEqual(["added", "added", "removed", "removed"]);
  });

  test("ends with 2 for a file that was edited, or is not there", async () => {
    const text = await readFile(join(project, "art.lock.json"), "utf8");
    await writeFile(join(project, "edited.json"), text.replace("a badger", "a badgers"));
    for (const [name, reason] of [
      ["edited.json", "root: wanted sha256:"],
      ["nowhere.json", "ENOENT"],
    ]) {
      const { code, out, err } = await check([], `project/${name}`);
      expect({ code, out }).toEqual({ code: 2, out: "" });
      expect(err).toContain(reason);
    }
  });
});

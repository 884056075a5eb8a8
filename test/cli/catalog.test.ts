import { execFileSync } from "node:child_process";
import { open, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ESCAPE, openPlace, type Place, startSandbox, startWorker } from "./support.ts";

let place: Place;

beforeAll(async () => {
  place = await openPlace();
  const sandbox = await startSandbox(place, ["--image-scale", "0.02"]);
  await startWorker(place, sandbox.settings);
  const requests: [string, string[]][] = [
    ["one", ["a fox", "--n", "2", "--collection", "animals"]],
    ["two", ["月下荷花 \u001b[31mred\nnext line", "--collection", "flowers"]],
    ["bad", ["[reject] no", "--collection", "animals"]],
  ];
  for (const [id, args] of requests) await place.run(["enqueue", ...args, "--request-id", id, "--wait"]);
});

afterAll(() => place.close());

function lines<T = Record<string, unknown>>(text: string): T[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as T);
}

describe("catalog list", () => {
  test("lists requests, the newest first, as a table that does nothing to a terminal", async () => {
    const { code, out } = await place.run(["catalog", "list"]);
    expect(code).toBe(0);
    expect(out.split("\n").map((line) => line.split(/\s+/)[0])).toEqual(["REQUEST", "bad", "two", "one", ""]);
    expect(out).toContain("月下荷花 red next line");
    expect(out).not.toMatch(ESCAPE);
  });

  test.each([
    [["--state", "failed"], ["bad"]],
    [
      ["--collection", "animals"],
      ["bad", "one"],
    ],
    [["--collection", "animals", "--state", "archived"], ["one"]],
    [["--limit", "1"], ["bad"]],
    [["--batch", "none"], []],
  ])("with %j lists %j", async (flags, ids) => {
    const { code, out } = await place.run(["catalog", "list", "--json", ...flags]);
    expect(code).toBe(0);
    expect(lines(out).map(({ request_id }) => request_id)).toEqual(ids);
  });

  test.each([
    [["--state", "archved"], "did you mean archived?"],
    [["--limit", "0"], "--limit: wanted"],
    [["--limit", "some"], "--limit: wanted"],
  ])("refuses %j with 2", async (flags, reason) => {
    const { code, err } = await place.run(["catalog", "list", ...flags]);
    expect(code).toBe(2);
    expect(err).toContain(reason);
  });
});

describe("catalog show", () => {
  test("shows a request by its id, an image by a piece of its digest, its key or its path", async () => {
    const shown = await place.run(["catalog", "show", "one", "--json"]);
    const { assets } = JSON.parse(shown.out) as { assets: { digest: string; key: string }[] };
    const [first] = assets;
    expect(assets).toHaveLength(2);
    for (const name of [first?.digest.slice(0, 12), first?.key, join(place.folder, "archive", first?.key ?? "")]) {
      const image = await place.run(["catalog", "show", name ?? "", "--json"]);
      expect(JSON.parse(image.out)).toMatchObject({
        digest: first?.digest,
        location: join(place.folder, "archive", first?.key ?? ""),
        requests: [{ request_id: "one", index: 0 }],
      });
    }
  });

  test("ends with 1 for what is not there", async () => {
    for (const name of ["nobody", "abcdef123456", "images/aa/zz.png"]) {
      const { code, err } = await place.run(["catalog", "show", name]);
      expect(code).toBe(1);
      expect(err).toContain(name);
    }
  });
});

describe("catalog similar", () => {
  test("finds the images of a request from a small poor copy in a file, and leaves out what is named itself", async () => {
    const { assets } = JSON.parse((await place.run(["catalog", "show", "two", "--json"])).out) as {
      assets: { key: string }[];
    };
    const [asset] = assets;
    const copy = join(place.folder, "found.jpg");
    const original = join(place.folder, "archive", asset?.key ?? "");
    await writeFile(copy, await sharp(original).resize(48).jpeg({ quality: 40 }).toBuffer());
    const found = await place.run(["catalog", "similar", copy, "--json"]);
    expect(found.code).toBe(0);
    const { found: near, ...rest } = JSON.parse(found.out) as { found: { distance: number }[] };
    expect(rest).toMatchObject({ max_distance: 10, more: false, unhashed: 0 });
    expect(near[0]).toMatchObject({
      key: asset?.key,
      archived_at: expect.stringMatching(/^20.*Z$/),
      requests: [{ request_id: "two", index: 0 }],
    });
    const text = await place.run(["catalog", "similar", copy]);
    expect(text.out).toMatch(/^ \d {2}[0-9a-f]{64}\n {4}image 0 of two\n {4}月下荷花 .*red next line\n/);
    expect(text.out).not.toMatch(ESCAPE);
    const itself = await place.run(["catalog", "similar", "two", "--max-distance", "0", "--json"]);
    expect(JSON.parse(itself.out)).toMatchObject({ found: [] });
  });

  test.each([
    [["one", "--max-distance", "65"], 2, "--max-distance: wanted"],
    [["bad"], 1, "has no archived image"],
    [["catalog.db"], 1, "wanted a PNG, JPEG or WebP"],
  ])("with %j ends with %i", async (args, wanted, reason) => {
    const { code, err } = await place.run(["catalog", "similar", ...args]);
    expect(code).toBe(wanted);
    expect(err).toContain(reason);
  });
});

describe("catalog export", () => {
  test("gives the promised line for each asset of each request", async () => {
    const { code, out } = await place.run(["catalog", "export", "--format", "jsonl"]);
    expect(code).toBe(0);
    const [first, second, third, ...more] = lines(out);
    expect(more).toEqual([]);
    expect(Object.keys(first ?? {})).toEqual(
      (
        "request_id batch collection tags metadata model prompt negative_prompt aspect_ratio n seed steps guidance_scale " +
        "recipe_id index digest bytes content_type width height key api_created archived_at calls"
      ).split(" "),
    );
    expect([first, second, third]).toMatchObject([
      { request_id: "one", index: 0, n: 2, calls: 1 },
      { request_id: "one", index: 1 },
      { request_id: "two", index: 0, collection: "flowers" },
    ]);
  });

  test("writes a file at once and leaves nothing beside it", async () => {
    const { code, out, err } = await place.run([
      "catalog",
      "export",
      "--output",
      "out/assets.jsonl",
      "--collection",
      "animals",
    ]);
    expect(code).toBe(0);
    expect(out).toBe("");
    expect(err).toContain("2 images");
    expect(await readdir(join(place.folder, "out"))).toEqual(["assets.jsonl"]);
    expect(lines(await readFile(join(place.folder, "out/assets.jsonl"), "utf8"))).toHaveLength(2);
  });

  test("says so where there is nothing to write", async () => {
    const { code, out, err } = await place.run(["catalog", "export", "nothing", "of", "the", "kind"]);
    expect({ code, out, err }).toEqual({ code: 0, out: "", err: "0 images\n" });
  });

  test("a file that cannot be written is an error with 1 and names it", async () => {
    await writeFile(join(place.folder, "plain"), "");
    const { code, err } = await place.run(["catalog", "export", "--output", "plain/assets.jsonl"]);
    expect(code).toBe(1);
    expect(err).toContain("plain/assets.jsonl");
    expect(err).not.toContain("at ");
  });

  test("a reader that leaves is no error", async () => {
    const exporting = place.start(["catalog", "export"]);
    exporting.child.stdout?.destroy();
    const { code, err } = await exporting.end("SIGCONT");
    expect(err).toBe("");
    expect(code).toBe(0);
  });

  test("gives CSV and zip to a pipe, of what a search finds", async () => {
    const csv = await place.run(["catalog", "export", "荷花", "--format", "csv", "--collection", "flowers"]);
    expect(csv.code).toBe(0);
    expect(csv.out).toMatch(/^request_id,batch,.*\r\ntwo,,flowers,/);
    const zip = await place.run(["catalog", "export", "--format", "zip", "--request", "two"]);
    expect(zip.code).toBe(0);
    expect(zip.out.slice(0, 4)).toBe("PK\u0003\u0004");
  });

  test("writes a folder, says what is in it, and leaves nothing beside it", async () => {
    const args = ["catalog", "export", "--format", "gallery", "--embed-recipe", "--output", "shown/gallery", "--json"];
    const { code, out } = await place.run(args);
    expect(code).toBe(0);
    const output = join(place.folder, "shown/gallery");
    expect(JSON.parse(out)).toMatchObject({ output, lines: 3, left_out: 0, without_recipe: 0 });
    expect(await readdir(join(place.folder, "shown"))).toEqual(["gallery"]);
    expect((await readdir(output)).toSorted()).toEqual(["data", "images", "index.html", "thumbnails"]);
    const again = await place.run(args);
    expect(again.code).toBe(2);
    expect(again.err).toContain("--output: wanted a new or an empty folder");
  });

  test("names and counts what it leaves out, and ends with 1", async () => {
    const { out } = await place.run(["catalog", "export", "--request", "one"]);
    const [first, second] = lines<{ key: string }>(out).map(({ key }) => join(place.folder, "archive", key));
    const bytes = await readFile(first ?? "");
    await writeFile(first ?? "", await readFile(second ?? ""));
    const { code, err } = await place.run(["catalog", "export", "--format", "imagefolder", "--output", "part"]);
    await writeFile(first ?? "", bytes);
    expect(code).toBe(1);
    expect(err).toMatch(/^Left out: image 0 of request "one", images\/.*: the store holds \d+ bytes with digest/m);
    expect(err).toMatch(/^2 images, .* in part; 1 left out$/m);
    expect(await readdir(join(place.folder, "part/train"))).toHaveLength(3);
  });

  test("keeps the line of an image that is known to be lost, names it, and ends with 1", async () => {
    const { out } = await place.run(["catalog", "export", "--request", "one"]);
    const path = join(place.folder, "archive", lines<{ key: string }>(out)[0]?.key ?? "");
    await rename(path, `${path}.kept`);
    expect((await place.run(["catalog", "verify"])).code).toBe(1);
    for (const format of ["jsonl", "csv", "parquet"]) {
      const args = ["--format", format, "--output", `lost.${format}`];
      const { code, err } = await place.run(["catalog", "export", ...args]);
      expect([format, code]).toEqual([format, 1]);
      expect(err).toMatch(/^Listed, but missing when it was last read: image 0 of request "one", images\//m);
      expect(err).toMatch(/^3 images in lost\.\w+; 1 of them known to be lost or spoilt$/m);
      expect(err).toContain("catalog verify --repair");
    }
    expect(lines(await readFile(join(place.folder, "lost.jsonl"), "utf8"))).toHaveLength(3);
    const others = await place.run(["catalog", "export", "--request", "two"]);
    expect(others).toMatchObject({ code: 0, err: "" });
    await rename(`${path}.kept`, path);
    // an image that is there again is exported, whatever was found once
    const zip = ["catalog", "export", "--format", "zip", "--output", "again.zip"];
    expect((await place.run(zip)).code).toBe(0);
    expect((await place.run(["catalog", "verify"])).code).toBe(0);
    expect((await place.run(["catalog", "export"])).code).toBe(0);
  });

  test("that is interrupted ends with 130 and leaves nothing", async () => {
    const { out } = await place.run(["catalog", "export", "--request", "one"]);
    const path = join(place.folder, "archive", lines<{ key: string }>(out)[0]?.key ?? "");
    await rename(path, `${path}.kept`);
    // whoever reads it waits until this test has opened it, and goes on waiting
    execFileSync("mkfifo", [path]);
    const exporting = place.start(["catalog", "export", "--format", "zip", "--output", "never.zip"]);
    const writer = await open(path, "w");
    const ending = exporting.end("SIGINT");
    await writer.close();
    expect(await ending).toMatchObject({ code: 130 });
    await rename(`${path}.kept`, path);
    expect((await readdir(place.folder)).filter((name) => name.startsWith("never"))).toEqual([]);
  });

  test.each<[string[], number, string]>([
    [["--format", "parket"], 2, "--format: wanted jsonl, csv, parquet, imagefolder, gallery, zip, got"],
    [["--format", "parket"], 2, "did you mean parquet?"],
    [["--format", "gallery"], 2, "--output: wanted the folder to write"],
    [
      ["--format", "csv", "--embed-recipe"],
      2,
      "--embed-recipe: wanted a format with images: imagefolder, gallery, zip",
    ],
    [["--output", "-"], 2, "--output: wanted a path"],
    [["--output", "archive"], 2, '--output: wanted a file, got the folder "archive"'],
    [["--format", "zip", "--no-originals"], 2, "--no-originals: wanted gallery as --format"],
    [["--type", "gif"], 2, "--type: wanted png, jpeg or webp"],
    [["--request", "one", "nobody"], 1, 'got "nobody"'],
  ])("refuses %j with %i", async (flags, wanted, reason) => {
    const { code, err } = await place.run(["catalog", "export", ...flags]);
    expect(code).toBe(wanted);
    expect(err).toContain(reason);
  });
});

describe("migrate", () => {
  test("says what it applied, and then that all is up to date", async () => {
    const env = {
      CATALOG_URL: "file:./fresh.db",
      STORAGE_URL: "file:./fresh",
      QUEUE_PREFIX: `${place.env.QUEUE_PREFIX}-fresh`,
    };
    const first = await place.run(["migrate", "--json"], { env });
    expect((JSON.parse(first.out) as { applied: string[] }).applied.length).toBeGreaterThan(0);
    const again = await place.run(["migrate"], { env });
    expect(again).toMatchObject({ code: 0, out: "./fresh.db is up to date\n" });
  });
});

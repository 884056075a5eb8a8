import { copyFile, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openPlace, type Place, startSandbox, startWorker } from "./support.ts";

interface Hit {
  request_id: string;
  assets: { key: string; digest: string }[];
}

let place: Place;
let stopWorker: () => Promise<unknown>;

beforeAll(async () => {
  place = await openPlace({ MIRROR_URL: "file:./mirror" });
  const sandbox = await startSandbox(place, ["--image-scale", "0.02"]);
  const worker = await startWorker(place, sandbox.settings);
  stopWorker = () => worker.end("SIGTERM");
  const requests: [string, string[]][] = [
    ["zh", ["一只红色狐狸在雪地里奔跑", "--collection", "动物", "--tag", "狐狸"]],
    ["en", ["a red fox in the snow", "--seed", "42", "--aspect-ratio", "16:9"]],
    ["other", ["a city at night", "--n", "2"]],
  ];
  for (const [id, args] of requests) await place.run(["enqueue", ...args, "--request-id", id, "--wait"]);
});

afterAll(() => place.close());

function lines<T>(text: string): T[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as T);
}

async function search(...args: string[]): Promise<string[]> {
  const { out } = await place.run(["catalog", "search", ...args, "--json"]);
  return lines<Hit>(out).map((hit) => hit.request_id);
}

async function list(...flags: string[]): Promise<string[]> {
  const { out } = await place.run(["catalog", "list", ...flags, "--json"]);
  return lines<Hit>(out).map((request) => request.request_id);
}

async function assetOf(id: string): Promise<Hit["assets"][number]> {
  const { out } = await place.run(["status", id, "--json"]);
  const [asset] = (JSON.parse(out) as Hit).assets;
  if (asset === undefined) throw new Error(`Got no asset of "${id}"`);
  return asset;
}

describe("catalog search", () => {
  test.each([
    [["狐狸"], ["zh"]],
    [["狐"], ["zh"]],
    [["fox"], ["en"]],
    [["--tag", "狐狸"], ["zh"]],
    // the flag takes one tag, and leaves the words alone
    [["--tag", "狐狸", "奔跑"], ["zh"]],
    [["fox", "snow", "red"], ["en"]],
    [['"snow red"'], []],
    [['"red fox" -city'], ["en"]],
    [["--seed", "42", "--aspect-ratio", "16:9"], ["en"]],
    [["--n", "2"], ["other"]],
    [
      ["--sort", "oldest"],
      ["zh", "en", "other"],
    ],
    [["nothing of the kind"], []],
  ])("%j finds %j", async (args, ids) => {
    expect(await search(...args)).toEqual(ids);
  });

  test("goes on page by page, and names the next one on standard error", async () => {
    const first = await place.run(["catalog", "search", "--limit", "2", "--json"]);
    expect(lines<Hit>(first.out)).toHaveLength(2);
    const { next_cursor } = JSON.parse(first.err) as { next_cursor: string };
    expect(await search("--limit", "2", "--cursor", next_cursor)).toEqual(["zh"]);
    expect(await search("--limit", "1", "--all")).toEqual(["other", "en", "zh"]);
  });

  test("names every flag that does not fit, with 2", async () => {
    const { code, err } = await place.run([
      "catalog",
      "search",
      "--from",
      "yesterday",
      "--min-bytes",
      "big",
      "--digest",
      "xyz",
    ]);
    expect(code).toBe(2);
    for (const flag of ["--from", "--min-bytes", "--digest"]) expect(err).toContain(flag);
  });
});

test("catalog show tells the recipe of a copy of an image, whatever its name is", async () => {
  const { key, digest } = await assetOf("en");
  await copyFile(join(place.folder, "archive", key), join(place.folder, "found it.dat"));
  const { code, out } = await place.run(["catalog", "show", "found it.dat", "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ digest, made_by: { prompt: "a red fox in the snow", seed: 42 } });
  await place.run(["catalog", "export", "fox snow", "--format", "imagefolder", "--embed-recipe", "--output", "copies"]);
  const copied = await place.run(["catalog", "show", "copies/train/0000001-en-0.png", "--json"]);
  expect(copied.code).toBe(0);
  expect(JSON.parse(copied.out)).toMatchObject({ digest });
  expect(copied.err).toContain("copy of this one");
  await writeFile(join(place.folder, "other.dat"), "nothing");
  const other = await place.run(["catalog", "show", "other.dat"]);
  expect(other.code).toBe(1);
  expect(other.err).toContain("catalog similar other.dat");
  await writeFile(join(place.folder, `${digest}.png`), "cut short");
  expect((await place.run(["catalog", "show", `${digest}.png`])).err).toContain("it is damaged");
  expect((await place.run(["catalog", "show", digest.slice(0, 4)])).err).toContain("at least 6 characters");
});

test("catalog show tells when an image was last proven, and finds a request by its sidecar's key", async () => {
  const { digest } = await assetOf("en");
  expect((await place.run(["catalog", "show", digest])).out).toContain("not read back yet");
  await place.run(["catalog", "verify", "--sample", "100"]);
  const { out } = await place.run(["catalog", "show", digest, "--json"]);
  expect(JSON.parse(out)).toMatchObject({ verified_at: expect.stringMatching(/^20/), fault: null, erased_at: null });
  const day = new Date().toISOString().slice(0, 10).replaceAll("-", "/");
  const shown = await place.run(["catalog", "show", `s3://bucket/requests/${day}/en.json`, "--json"]);
  expect(JSON.parse(shown.out)).toMatchObject({ request_id: "en" });
});

test("catalog edit changes what is found, and the sidecar", async () => {
  const { code } = await place.run(["catalog", "edit", "en", "--add-tag", "winter", "--note", "front page"]);
  expect(code).toBe(0);
  expect(await search("--tag", "winter")).toEqual(["en"]);
  const names = await readdir(join(place.folder, "archive"), { recursive: true });
  const sidecar = names.find((name) => name.endsWith("en.json")) ?? "";
  expect(JSON.parse(await readFile(join(place.folder, "archive", sidecar), "utf8"))).toMatchObject({
    request: { tags: ["winter"], note: "front page" },
  });
  expect((await place.run(["catalog", "edit", "en"])).code).toBe(2);
  expect((await place.run(["catalog", "edit", "nobody", "--note", "x"])).code).toBe(1);
});

test("catalog delete and undelete", async () => {
  expect((await place.run(["catalog", "delete", "zh"])).code).toBe(0);
  expect(await search("狐狸")).toEqual([]);
  expect(await list()).not.toContain("zh");
  expect(await list("--deleted")).toEqual(["zh"]);
  expect((await place.run(["catalog", "undelete", "zh"])).code).toBe(0);
  expect(await search("狐狸")).toEqual(["zh"]);
  expect(await list()).toContain("zh");
});

test("catalog backup makes a copy that opens, to a file and into the store", async () => {
  const made = await place.run(["catalog", "backup", "copy.db", "--json"]);
  expect(made.code).toBe(0);
  const counts = await place.run(["catalog", "list", "--json"], { env: { CATALOG_URL: "file:./copy.db" } });
  expect(lines(counts.out)).toHaveLength(3);
  expect((await place.run(["catalog", "backup", "copy.db"])).code).toBe(2);
  const stored = await place.run(["catalog", "backup", "--store", "--json"]);
  expect(JSON.parse(stored.out)).toMatchObject({ key: expect.stringMatching(/^backups\/catalog-.*\.db\.gz$/) });
});

test("catalog rebuild refuses while a worker lives, and verify repairs from the mirror", async () => {
  const refused = await place.run(["catalog", "rebuild"]);
  expect(refused).toMatchObject({ code: 2, err: expect.stringContaining("workers live") });
  await stopWorker();
  expect((await place.run(["catalog", "mirror"])).code).toBe(0);

  const { key } = await assetOf("en");
  await rm(join(place.folder, "archive", key));
  const found = await place.run(["catalog", "verify", "--json"]);
  expect(found.code).toBe(1);
  expect(JSON.parse(found.out)).toMatchObject({ complete: true, findings: 1, found: [{ kind: "missing", key }] });
  const asks = await place.run(["catalog", "verify", "--repair"]);
  expect(asks).toMatchObject({ code: 1, err: expect.stringContaining("more than 1 %") });
  const mended = await place.run(["catalog", "verify", "--repair", "--yes", "--json"]);
  expect(mended.code).toBe(0);
  expect(JSON.parse(mended.out)).toMatchObject({ repair: { repaired: [{ kind: "missing", by: "mirror" }] } });
  expect((await place.run(["catalog", "verify"])).code).toBe(0);

  const rebuilt = await place.run(["catalog", "rebuild", "--json"]);
  expect(rebuilt.err).toBe("");
  expect(JSON.parse(rebuilt.out)).toMatchObject({ requests: 3, assets: 4, unusable: [], absent: [], left_behind: [] });
  expect(await search("--sort", "oldest")).toEqual(["zh", "en", "other"]);
  expect(await search("--tag", "winter")).toEqual(["en"]);
});

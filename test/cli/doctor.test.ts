import { chmod, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openSandbox, type Sandbox } from "../../src/dev/sandbox/sandbox.ts";
import { startProxy } from "../support/proxy.ts";
import { startHttp } from "../support/servers.ts";
import { type Environment, openPlace, type Place, startWorker } from "./support.ts";

interface Finding {
  subject: string;
  level: "ok" | "warning" | "problem";
  message: string;
  setting: string | null;
  advice: string | null;
}

interface Diagnosis {
  ok: boolean;
  findings: Finding[];
  figures?: Record<string, number>;
}

let place: Place;
let sandbox: Sandbox;
let settings: Environment;

beforeEach(async () => {
  place = await openPlace();
  sandbox = await openSandbox({ apiKey: "right-key", imageScale: 0.02 });
  settings = { IMAGE_API_BASE_URL: sandbox.url, IMAGE_API_KEY: "right-key", PRIVATE_IMAGE_HOSTS: "127.0.0.1" };
});

afterEach(async () => {
  await sandbox.close();
  await place.close();
});

async function diagnose(env: Environment = {}, flags: string[] = []): Promise<Diagnosis & { code: number | null }> {
  const { code, out } = await place.run(["doctor", "--json", ...flags], { env: { ...settings, ...env } });
  return { ...(JSON.parse(out) as Diagnosis), code };
}

function problems({ findings }: Diagnosis): [string, string | null][] {
  return findings.filter(({ level }) => level === "problem").map(({ subject, setting }) => [subject, setting]);
}

describe("doctor", () => {
  test("finds everything in order, leaves nothing in the store, and calls nobody that costs", async () => {
    const diagnosis = await diagnose();
    expect(problems(diagnosis)).toEqual([]);
    expect(diagnosis).toMatchObject({ ok: true, code: 0 });
    expect(new Set(diagnosis.findings.map(({ subject }) => subject))).toEqual(
      new Set(["redis", "store", "api", "catalog", "disk", "workers"]),
    );
    const left = await readdir(join(place.folder, "archive"), { recursive: true, withFileTypes: true });
    expect(left.filter((entry) => entry.isFile())).toEqual([]);
    expect(sandbox.bill().calls).toBe(0);
  });

  test("probes the mirror as it probes the store", async () => {
    await writeFile(join(place.folder, "a-file"), "");
    const fine = await diagnose({ MIRROR_URL: "file:./mirror" });
    expect(fine.findings.filter(({ subject }) => subject === "mirror")).toMatchObject([{ level: "ok" }]);
    const left = await readdir(join(place.folder, "mirror"), { recursive: true, withFileTypes: true });
    expect(left.filter((entry) => entry.isFile())).toEqual([]);
    expect(problems(await diagnose({ MIRROR_URL: "file:./a-file/mirror" }))).toEqual([["mirror", "MIRROR_URL"]]);
  });

  test("warns of files that other users may read, and of none that they cannot reach", async () => {
    await diagnose();
    await chmod(place.folder, 0o755);
    const open = ({ findings }: Diagnosis) =>
      findings.filter(({ level, message }) => level === "warning" && message.includes("other users"));
    expect(open(await diagnose())).toEqual([]);
    await writeFile(join(place.folder, ".env"), "LOG_LEVEL=info\n");
    await chmod(join(place.folder, ".env"), 0o644);
    const diagnosis = await diagnose();
    expect(open(diagnosis)).toMatchObject([{ message: expect.stringContaining(".env"), level: "warning" }]);
    expect(diagnosis).toMatchObject({ ok: true, code: 0 });
    await chmod(place.folder, 0o700);
    expect(open(await diagnose())).toEqual([]);
  });

  test("names the setting that is wrong: all of them at once", async () => {
    await writeFile(join(place.folder, "a-file"), "");
    await writeFile(
      join(place.folder, "broken.db"),
      "this is no database, but long enough to be taken for one".repeat(99),
    );
    const diagnosis = await diagnose({
      REDIS_URL: "redis://127.0.0.1:1",
      STORAGE_URL: "file:./a-file/archive",
      CATALOG_URL: "file:./broken.db",
      SPOOL_DIR: "a-file/spool",
      IMAGE_API_KEY: "wrong-key",
    });
    expect(diagnosis.code).toBe(1);
    expect(problems(diagnosis)).toEqual([
      ["redis", "REDIS_URL"],
      ["store", "STORAGE_URL"],
      ["api", "IMAGE_API_KEY"],
      ["catalog", "CATALOG_URL"],
      ["disk", "SPOOL_DIR"],
    ]);
    for (const { level, advice } of diagnosis.findings) expect(advice === null).toBe(level === "ok");
    expect(JSON.stringify(diagnosis)).not.toContain("wrong-key");
  });

  test.runIf(process.platform === "linux").each(["/proc/nope", "/sys/nope/deeper"])(
    "ends where folders cannot be made: %s",
    async (path) => {
      const diagnosis = await diagnose({
        STORAGE_URL: `file:${path}`,
        CATALOG_URL: `file:${path}/catalog.db`,
        SPOOL_DIR: `${path}/spool`,
      });
      expect(diagnosis.code).toBe(1);
      expect(problems(diagnosis)).toEqual(
        expect.arrayContaining([
          ["store", "STORAGE_URL"],
          ["disk", "SPOOL_DIR"],
        ]),
      );
    },
  );

  test("names a misspelt setting, tokens that can be guessed, and what a proxy leaves open, as warnings", async () => {
    const diagnosis = await diagnose({
      IMAGE_API_KEYS: "x",
      GENERATE_CONCURENCY: "4",
      API_TOKENS: "short",
      HTTPS_PROXY: "me:secret@proxy.test:3128",
    });
    expect(problems(diagnosis)).toEqual([]);
    const warnings = diagnosis.findings.filter(({ subject }) => subject === "settings");
    expect(warnings.map(({ level, setting }) => [level, setting])).toEqual([
      ["warning", "IMAGE_API_KEY"],
      ["warning", "GENERATE_CONCURRENCY"],
      ["warning", "API_TOKENS"],
      ["warning", "HTTPS_PROXY"],
    ]);
    expect(warnings[3]?.message).toContain("http://proxy.test:3128");
    expect(JSON.stringify(diagnosis)).not.toMatch(/secret|"short"/);
  });

  test.each([
    ["SecondLevelDomainForbidden", "S3_FORCE_PATH_STYLE", "S3_FORCE_PATH_STYLE=false"],
    ["InvalidAccessKeyId", "AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID"],
    ["RequestTimeTooSkewed", null, "NTP"],
  ])("a store that says %s is a matter of %s", async (code, setting, words) => {
    const origin = await startHttp((_, response) =>
      response.writeHead(403).end(`<Error><Code>${code}</Code><Message>No.</Message></Error>`),
    );
    const diagnosis = await diagnose({
      STORAGE_URL: "s3://bucket",
      AWS_ENDPOINT_URL_S3: origin,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "key",
      AWS_SECRET_ACCESS_KEY: "secret",
    });
    expect(problems(diagnosis)).toEqual([["store", setting]]);
    expect(diagnosis.findings.find(({ subject }) => subject === "store")?.message).toContain(words);
  });

  test("asks the API through the proxy", async () => {
    const proxy = await startProxy({ answer: '{"data":[]}' });
    const diagnosis = await diagnose({ IMAGE_API_BASE_URL: "http://api.test/v1", HTTP_PROXY: proxy.origin.slice(7) });
    expect(proxy.asked).toEqual(["GET http://api.test/v1/models"]);
    expect(diagnosis.findings.find(({ subject }) => subject === "api")?.message).toContain(
      "http://api.test/v1 answers",
    );
  });

  test.each([
    ["no key", { IMAGE_API_KEY: "" }, "IMAGE_API_KEY"],
    ["nobody there", { IMAGE_API_BASE_URL: "http://127.0.0.1:1/v1" }, "IMAGE_API_BASE_URL"],
  ])("%s is a problem of %s", async (_, env, setting) => {
    expect(problems(await diagnose(env))).toEqual([["api", setting]]);
  });

  test("an API without a list of models is no problem, and nothing is proven", async () => {
    const diagnosis = await diagnose({ IMAGE_API_BASE_URL: sandbox.url.replace("/v1", "/other") });
    expect(problems(diagnosis)).toEqual([]);
    const [api] = diagnosis.findings.filter(({ subject }) => subject === "api");
    expect(api).toMatchObject({ level: "warning", setting: "IMAGE_API_BASE_URL" });
    expect(api?.message).toMatch(/^not proven: .* answers 404/);
  });

  test.each(['{"status":"ok"}', "ok", ""])("a server that says yes to every path (%s) proves nothing", async (body) => {
    const origin = await startHttp((_, response) => response.end(body));
    const diagnosis = await diagnose({ IMAGE_API_BASE_URL: `${origin}/v1` });
    const [api] = diagnosis.findings.filter(({ subject }) => subject === "api");
    expect(api).toMatchObject({ level: "warning", message: expect.stringMatching(/^not proven: /) });
  });

  test("says all that for people, and its count, with 1", async () => {
    const { code, out } = await place.run(["doctor"], { env: { ...settings, IMAGE_API_KEY: "wrong-key" } });
    expect(code).toBe(1);
    expect(out).toMatch(/^problem +api .* refuses the key \(401\)$/m);
    expect(out).toMatch(/^ +IMAGE_API_KEY: check/m);
    expect(out).toMatch(/1 problem$/m);
  });
});

describe("doctor --deep", () => {
  async function archiveSome(): Promise<void> {
    const worker = await startWorker(place, settings);
    for (const [id, flags] of [
      ["one", ["--n", "3"]],
      ["two", ["--response-format", "b64_json"]],
      ["bad", []],
    ] as const) {
      const prompt = id === "bad" ? "[reject] no" : `a fox, ${id}`;
      await place.run(["enqueue", prompt, "--request-id", id, ...flags, "--wait"]);
    }
    await worker.end();
  }

  function edit(statement: string): void {
    const catalog = new Sqlite(join(place.folder, "catalog.db"));
    catalog.pragma("foreign_keys = OFF");
    catalog.exec(statement);
    catalog.close();
  }

  async function keysOf(id: string): Promise<string[]> {
    const { out } = await place.run(["catalog", "show", id, "--json"]);
    return (JSON.parse(out) as { assets: { key: string }[] }).assets.map(({ key }) =>
      join(place.folder, "archive", key),
    );
  }

  test("finds nothing wrong where nothing is", async () => {
    await archiveSome();
    const diagnosis = await diagnose({}, ["--deep"]);
    expect(problems(diagnosis)).toEqual([]);
    expect(diagnosis.figures).toMatchObject({
      requests: { archived: 2, failed: 1 },
      calls: { answered: 2, refused: 1, sent: 0, unknown: 0 },
      assets: 4,
      assets_missing: 0,
      assets_corrupt: 0,
      archived_incomplete: 0,
      sidecars_missing: 0,
      answered_calls_repeated: 0,
      calls_of_dead_workers: 0,
      unfinished_without_job: 0,
      spool_orphans: 0,
      spool_lost: 0,
    });
  });

  test("finds each breach, and counts it", async () => {
    await archiveSome();
    const [gone, changed] = await keysOf("one");
    await rm(gone ?? "");
    await writeFile(changed ?? "", "other bytes");
    await rm(join(place.folder, "archive/requests"), { recursive: true });
    await mkdir(join(place.folder, "spool"), { recursive: true });
    await writeFile(join(place.folder, "spool/two.1.0"), "left behind");
    edit(`
      update images set spool_file = 'two.1.0' where request_id = 'two';
      delete from images where request_id = 'one' and image_index = 2;
      insert into calls (request_id, number, state, n, seed, worker_id, sent_at, ended_at)
        select request_id, 2, 'answered', n, seed, worker_id, ended_at + 5, ended_at + 9 from calls where request_id = 'two';
      insert into calls (request_id, number, state, n, seed, worker_id, sent_at)
        select request_id, 2, 'sent', n, seed, 'nobody', ended_at + 5 from calls where request_id = 'bad';
      update requests set state = 'generating', archived_at = null, sidecar_at = null where request_id = 'bad';
    `);
    const diagnosis = await diagnose({}, ["--deep"]);
    expect(diagnosis.code).toBe(1);
    expect(diagnosis.figures).toMatchObject({
      assets: 4,
      assets_missing: 1,
      assets_corrupt: 1,
      archived_incomplete: 1,
      sidecars_missing: 2,
      answered_calls_repeated: 1,
      calls_of_dead_workers: 1,
      unfinished_without_job: 1,
      spool_files: 1,
      spool_orphans: 1,
    });
  });

  test("says that it compared nothing where the catalog cannot be opened", async () => {
    await writeFile(join(place.folder, "catalog.db"), "no database at all, and not even a small one".repeat(99));
    const diagnosis = await diagnose({}, ["--deep"]);
    expect(problems(diagnosis).map(([subject]) => subject)).toEqual(["catalog", "deep"]);
    expect(diagnosis.figures).toBeUndefined();
  });
});

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { access } from "node:fs/promises";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ESCAPE, openPlace, type Place, PROGRAM } from "./support.ts";

interface Summary {
  ok: boolean;
  archived: number;
  failed: number;
  settings: { REDIS_URL: string };
  results: {
    request_id: string;
    state: string;
    aspect_ratio: string;
    n: number;
    reused_from: string | null;
    error: { code: string } | null;
    calls: { state: string }[];
    assets: { path: string }[];
  }[];
}

let place: Place;

beforeEach(async () => {
  place = await openPlace();
});

afterEach(() => place.close());

async function demo(): Promise<Summary> {
  const { code, out } = await place.run(["demo", "--image-scale", "0.05", "--json"]);
  expect(code).toBe(0);
  return JSON.parse(out) as Summary;
}

test("a dozen varied prompts end as planned, a second time in the same folder, too", async () => {
  const first = await demo();
  expect(first).toMatchObject({ ok: true, archived: 10, failed: 2 });
  expect(first.results).toHaveLength(12);
  expect(new Set(first.results.map(({ aspect_ratio }) => aspect_ratio)).size).toBeGreaterThanOrEqual(6);
  expect(Math.max(...first.results.map(({ n }) => n))).toBe(4);
  expect(first.results.flatMap(({ error }) => error?.code ?? [])).toEqual([
    "content_policy_violation",
    "model_not_found",
  ]);
  expect(first.results.filter(({ reused_from }) => reused_from !== null)).toMatchObject([{ calls: [] }]);
  expect(first.results.filter(({ calls }) => calls.length > 1)).toMatchObject([
    { calls: [{ state: "refused" }, { state: "answered" }] },
  ]);
  for (const { path } of first.results.flatMap(({ assets }) => assets)) await access(join(place.folder, path));

  const second = await demo();
  expect(second).toMatchObject({ ok: true, archived: 10, failed: 2 });
  const ids = [...first.results, ...second.results].map(({ request_id }) => request_id);
  expect(new Set(ids).size).toBe(24);
});

test("in a pipe it ends by itself, with paths and figures and nothing that moves a cursor", async () => {
  const { code, out, err } = await place.run(["demo", "--image-scale", "0.05"]);
  expect(code).toBe(0);
  expect(out).toMatch(/^The page with the pictures: http:\/\/127\.0\.0\.1:\d+$/m);
  expect(out.trim().split("\n").at(-1)).toMatch(/^See the pictures at http:\/\/127\.0\.0\.1:\d+/);
  expect(out).toMatch(/^10 of 12 requests archived with 14 images .*; 2 failed, as planned$/m);
  const paths = out.match(/^ {4}data\/demo\/archive\/images\/\S+\.png$/gm) ?? [];
  expect(paths).toHaveLength(15);
  for (const path of paths) await access(join(place.folder, path.trim()));
  expect(out + err).not.toMatch(ESCAPE);
});

test("without REDIS_URL it starts a Redis of its own, unless one is there, and stops what it started", async () => {
  const { code, out } = await place.run(["demo", "--image-scale", "0.05", "--json"], { env: { REDIS_URL: "" } });
  expect(code).toBe(0);
  const { settings } = JSON.parse(out) as Summary;
  const port = new URL(settings.REDIS_URL).port;
  // somebody's own server on the default port is used, and left running
  if (port !== "6379") expect((await place.run(["status"], { env: settings })).code).toBe(1);
});

test("Ctrl-C in the middle ends it with 130, and the next demo brings what was left behind to its end", async () => {
  const running = place.start(["demo", "--image-scale", "0.05"]);
  await untilBegun(place);
  const { code } = await running.end("SIGINT");
  expect(code).toBe(130);
  expect(await demo()).toMatchObject({ ok: true });
  const { out } = await place.run(["status", "--json"], { env: DEMO });
  const { requests } = JSON.parse(out) as { requests: Record<string, number> };
  expect(requests).toMatchObject({ archived: 20, failed: 4 });
});

// util-linux gives a command a terminal of its own; where it is missing (it is in CI) there is nothing to look through
const hasTerminals = process.env.CI !== undefined || spawnSync("script", ["--version"]).status === 0;

test.skipIf(!hasTerminals)(
  "on a terminal it shows what goes on, invites to go on, and ends with 0 on Ctrl-C",
  async () => {
    // exec: a shell in between would take the Ctrl-C, too, and end with 130 whatever its child says
    const command = `exec ${process.execPath} ${PROGRAM} demo --image-scale 0.05`;
    const terminal = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
      cwd: place.folder,
      env: { ...place.env, TERM: "xterm" },
    });
    try {
      let shown = "";
      const invited = Promise.withResolvers<void>();
      const page = /See the pictures at \S*?(http:\/\/127\.0\.0\.1:\d+)/;
      terminal.stdout.setEncoding("utf8").on("data", (chunk: string) => {
        shown += chunk;
        if (page.test(shown)) invited.resolve();
      });
      const ended = once(terminal, "exit") as Promise<[number | null]>;
      ended.then(([code]) => invited.reject(new Error(`ended with ${code} before it invited: ${shown}`)));
      await invited.promise;
      expect(shown).toContain("calling the API");
      expect(shown).toMatch(/enqueue "/);
      expect((await fetch(page.exec(shown)?.[1] ?? "")).status).toBe(200);
      expect(shown).toMatch(/export QUEUE_PREFIX='\{asset-archiver-demo-[0-9a-f]{8}\}'/);
      // Ctrl-C, as a person types it
      terminal.stdin.write("\u0003");
      expect((await ended)[0]).toBe(0);
      // the cursor was hidden while lines were redrawn, and is back
      expect(shown.lastIndexOf("\u001b[?25h")).toBeGreaterThan(shown.lastIndexOf("\u001b[?25l"));
    } finally {
      terminal.kill("SIGKILL");
    }
  },
);

const DEMO = { CATALOG_URL: "file:./data/demo/catalog.db", STORAGE_URL: "file:./data/demo/archive" };

// looked at from here: a command would take longer to start than the demo has to live
async function untilBegun(place: Place): Promise<void> {
  const file = join(place.folder, "data/demo/catalog.db");
  await vi.waitFor(
    () => {
      const catalog = new Sqlite(file, { readonly: true, fileMustExist: true });
      const rows = catalog.prepare("select count(*) as number from requests").get() as { number: number };
      catalog.close();
      expect(rows.number).toBe(12);
    },
    { timeout: 60_000, interval: 30 },
  );
}

// The short form of `npm run test:crash`, so that every change goes through it. The long one is run by hand, with a seed.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import type { Report } from "./check.ts";

const run = promisify(execFile);

const TIMEOUT_MS = 600_000;

async function crash(mode: string, requests: number): Promise<Report> {
  const args = [
    join(import.meta.dirname, "main.ts"),
    "--mode",
    mode,
    "--seed",
    "1",
    "--requests",
    `${requests}`,
    "--json",
  ];
  const { stdout, stderr } = await run(process.execPath, args).catch(
    (error: { stdout: string; stderr: string }) => error,
  );
  if (stdout === "") throw new Error(`The crash test itself failed: ${stderr}`);
  return JSON.parse(stdout) as Report;
}

test.for([
  ["points", 42],
  ["redis", 30],
  ["all", 30],
] as const)(
  "nothing is lost and nothing answered is paid again: %s",
  { timeout: TIMEOUT_MS },
  async ([mode, requests]) => {
    const { figures, breaches } = await crash(mode, requests);
    expect(breaches).toEqual([]);
    expect(figures).toMatchObject({ lost: 0, answered_calls_repeated: 0, corrupt_objects: 0, rows_without_object: 0 });
    expect(figures.accepted).toBeGreaterThanOrEqual(requests);
    expect(figures.archived).toBeGreaterThan(requests / 2);
    expect(figures.kills).toBeGreaterThan(0);
  },
);

// From nothing to a first sign of life: `--help` beside a Node that does nothing, and a worker until it is ready.
// What users start is the built package.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { buildPackage } from "../build.ts";
import type { Case } from "../case.ts";
import { costOf } from "../cost.ts";
import type { Lab, Measured } from "../lab.ts";
import { cleanEnvironment } from "../process.ts";

const STARTS = 15;

export const startHelp: Case = {
  name: "start-help",
  about: "`asset-archiver --help` from spawn to exit, beside `node -e 0`",
  rows: [{ name: "start: --help", unit: "ms", limit: { atMost: 3 } }],
  open: async (lab) => {
    const dist = await buildPackage();
    return {
      ours: () =>
        lab.run("starts", { COUNT: `${STARTS}`, ARGUMENTS: JSON.stringify([join(dist, "cli/main.js"), "--help"]) }),
      baseline: () => lab.run("starts", { COUNT: `${STARTS}`, ARGUMENTS: JSON.stringify(["-e", "0"]) }),
    };
  },
};

export const startWorker: Case = {
  name: "start-worker",
  about: "`asset-archiver worker` from spawn until it is ready, Redis and S3 running",
  rows: [{ name: "start: worker ready", unit: "s", baseline: "none", limit: { atMost: 1.5 } }],
  open: async (lab) => {
    const dist = await buildPackage();
    const s3 = await lab.serve("s3");
    const env = {
      REDIS_URL: lab.redisUrl,
      IMAGE_API_KEY: "bench",
      IMAGE_API_BASE_URL: "http://127.0.0.1:9/v1",
      STORAGE_URL: "s3://bench",
      AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${s3}`,
      AWS_ACCESS_KEY_ID: "bench",
      AWS_SECRET_ACCESS_KEY: "bench",
    };
    return { ours: () => untilReady(lab, [join(dist, "cli/main.js"), "worker"], env) };
  },
};

async function untilReady(lab: Lab, command: string[], env: Record<string, string>): Promise<Measured> {
  const cwd = await mkdtemp(join(lab.folder, "worker-"));
  const begun = performance.now();
  const child = spawn(process.execPath, command, {
    cwd,
    env: { ...cleanEnvironment(), ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const lines: string[] = [];
  try {
    for await (const line of createInterface(child.stderr)) {
      lines.push(line);
      if (!line.includes("worker is ready")) continue;
      const seconds = (performance.now() - begun) / 1000;
      return { value: seconds, ...(await costOf(child.pid ?? 0)) };
    }
    throw new Error(`The worker ended before it was ready:\n${lines.join("\n")}`);
  } finally {
    child.kill("SIGTERM");
    if (child.exitCode === null) await once(child, "exit");
    await rm(cwd, { recursive: true, force: true });
  }
}

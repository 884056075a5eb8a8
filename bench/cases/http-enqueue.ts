// The HTTP door under 64 connections, beside the framework's own echo: what accepting costs on top of speaking HTTP.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { buildPackage } from "../build.ts";
import type { Case } from "../case.ts";
import { costOf } from "../cost.ts";
import type { Lab, Measured } from "../lab.ts";
import { cleanEnvironment, firstMessage, start as startChild } from "../process.ts";

const LOAD = { CONNECTIONS: "64", SECONDS: "6" };

export const httpEnqueue: Case = {
  name: "http-enqueue",
  about: "POST /v1/requests, 64 connections, beside the framework's bare JSON echo route",
  rows: [{ name: "HTTP enqueue", unit: "requests/s", limit: { atLeast: 0.5 } }],
  open: async (lab) => {
    const dist = await buildPackage();
    return { ours: () => ours(lab, dist), baseline: () => echo(lab) };
  },
};

/** The built `serve`, in a process and a folder of its own. */
async function ours(lab: Lab, dist: string): Promise<Measured> {
  const cwd = await mkdtemp(join(lab.folder, "serve-"));
  const command = [join(dist, "cli/main.js"), "serve", "--port", "0", "--json"];
  // the default limit is below what is measured here
  const env = { ...cleanEnvironment(), REDIS_URL: lab.redisUrl, LOG_LEVEL: "error", HTTP_RATE_LIMIT: "none" };
  const server = spawn(process.execPath, command, { cwd, env, stdio: ["ignore", "pipe", "inherit"] });
  try {
    const [line] = (await once(server.stdout, "data")) as [Buffer];
    return await load(lab, { pid: server.pid ?? 0, url: (JSON.parse(line.toString()) as { url: string }).url });
  } finally {
    server.kill("SIGTERM");
    if (server.exitCode === null) await once(server, "exit");
    await rm(cwd, { recursive: true, force: true });
  }
}

async function echo(lab: Lab): Promise<Measured> {
  const server = startChild("servers/echo.ts", { cwd: lab.folder });
  try {
    const { port } = (await firstMessage(server)) as { port: number };
    return await load(lab, { pid: server.pid, url: `http://127.0.0.1:${port}` });
  } finally {
    server.process.kill("SIGKILL");
  }
}

/** What the load's own process reports, with what it has cost the server. */
async function load(lab: Lab, server: { pid: number; url: string }): Promise<Measured> {
  const before = await costOf(server.pid);
  const measured = await lab.run("post-load", { ...LOAD, URL: `${server.url}/v1/requests` });
  const after = await costOf(server.pid);
  return { ...measured, cpuSeconds: after.cpuSeconds - before.cpuSeconds, peakRssMib: after.peakRssMib };
}

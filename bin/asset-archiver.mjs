#!/usr/bin/env node
// The installed command: starts the program on a Node that can run it. No more than that lives here.
// Plain JavaScript that Node 14 can read. On an old Node the one that npm installed beside us takes over, if there is one.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { isNodeNewEnough, refuseOldNode } from "./need-node.mjs";

// says that a process was started by `takeOver`, and that the channel to its starter is there for nothing else
const TAKEN_OVER = "__ARCHIVER_TAKEN_OVER";

if (isNodeNewEnough()) {
  dieWithStarter();
  start();
} else takeOver(findInstalledNode());

// A checkout has sources, and they win over a dist that may be old; an installed package has dist only.
function start() {
  const source = new URL("../src/cli/main.ts", import.meta.url);
  const built = new URL("../dist/cli/main.js", import.meta.url);
  import((existsSync(source) ? source : built).href).catch((error) => {
    console.error(error);
    process.exit(1);
  });
}

function findInstalledNode() {
  try {
    return createRequire(import.meta.url).resolve(`node-${process.platform}-${process.arch}/bin/node`);
  } catch {
    return undefined;
  }
}

function takeOver(node) {
  if (node === undefined) return refuseOldNode();
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: { ...process.env, [TAKEN_OVER]: "1" },
  });
  // a binary for another libc is there, but does not start
  child.once("error", refuseOldNode);
  const signals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR2"];
  for (const signal of signals) process.on(signal, () => forward(child, signal));
  child.once("exit", (code, signal) => {
    if (signal === null) process.exit(code);
    // whoever waits for us sees the same end: killed by that signal
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

// Killed with SIGKILL, the starter can forward nothing: without this the program would live on, and keep port and queues.
function dieWithStarter() {
  const isTakenOver = process.env[TAKEN_OVER] === "1";
  delete process.env[TAKEN_OVER];
  if (!isTakenOver || process.channel === undefined) return;
  process.once("disconnect", () => process.kill(process.pid, "SIGKILL"));
  process.channel.unref();
}

// A terminal sends Ctrl-C to both of us; sent on, it would count as the second one, which means "at once".
function forward(child, signal) {
  const fromTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  if (!(fromTerminal && (signal === "SIGINT" || signal === "SIGQUIT"))) child.kill(signal);
}

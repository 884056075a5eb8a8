#!/usr/bin/env node
// The program's entry. It looks at the version of Node first, so that an old one ends in a sentence and not in a crash.
const WANTED_NODE = 24;

if (Number(process.versions.node.split(".")[0]) < WANTED_NODE) {
  process.stderr.write(
    `asset-archiver needs Node ${WANTED_NODE} or newer; this is ${process.version} (https://nodejs.org)\n`,
  );
  process.exitCode = 2;
} else {
  // compiled code is kept for the next start: it halves the time until a command begins
  const { enableCompileCache } = await import("node:module");
  enableCompileCache();
  const { runProgram } = await import("./program.ts");
  process.exitCode = await runProgram(process.argv.slice(2));
}

export {};

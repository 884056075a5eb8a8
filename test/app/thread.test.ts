// Threads from sources: Node strips their types by WebAssembly, and that must not bring the process down.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const THREAD = new URL("../../src/app/thread.ts", import.meta.url).href;
const RECORDER = new URL("../../src/catalog/db/recorder.ts", import.meta.url).href;

// The crash itself is a matter of microseconds; what it needs is V8 giving up compiled WebAssembly, and V8 says so.
test("while threads load from sources, no WebAssembly is freed", async () => {
  const program = `
    import { startThread } from ${JSON.stringify(THREAD)};
    const thread = startThread("record-thread", { beside: ${JSON.stringify(RECORDER)}, data: { file: ":memory:" } });
    thread.once("message", () => thread.postMessage("close"));
    thread.once("exit", (code) => console.log("ended with", code));
    thread.postMessage([{ id: 1, method: "countUnarchivedImages", args: [] }]);
  `;
  const flags = ["--trace-wasm-code-gc", "--eval", program];
  const { stdout } = await promisify(execFile)(process.execPath, flags, { cwd: fileURLToPath(new URL("..", THREAD)) });
  expect(stdout).toBe("ended with 0\n");
});

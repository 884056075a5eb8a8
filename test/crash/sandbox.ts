// The sandbox in a process of its own: no kill of a worker may touch the bill. Options as JSON in the first argument.
import { openSandbox, type SandboxOptions } from "../../src/dev/sandbox/sandbox.ts";

const sandbox = await openSandbox(JSON.parse(process.argv[2] ?? "{}") as SandboxOptions);
process.stdout.write(`${JSON.stringify({ url: sandbox.url })}\n`);
process.once("disconnect", () => process.exit(0));
process.once("SIGTERM", () => process.exit(0));

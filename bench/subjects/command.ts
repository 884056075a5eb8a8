// A command of ours from its first line to its last, in this process, from the built package. Reports items per second.
import { report } from "../cost.ts";

const { COUNT = "0", ARGUMENTS = "[]", DIST = "" } = process.env;
const begun = performance.now();
const { runProgram } = (await import(`${DIST}/cli/program.js`)) as typeof import("../../src/cli/program.ts");
const code = await runProgram(JSON.parse(ARGUMENTS) as string[]);
const seconds = (performance.now() - begun) / 1000;
if (code !== 0) throw new Error(`The command ended with exit code ${code}`);
report({ value: Number(COUNT) / seconds, seconds });
process.disconnect();

// Prints the count of a vitest JSON report as one plain line, and fails where anything failed, was skipped, or nothing ran.
// Plain JavaScript: it is run by whatever Node the machine has.
import { readFileSync } from "node:fs";

const report = read(process.argv[2]);
// a file that does not even load has no test that could fail, and still is a failure
const broken = report.testResults.filter(
  (file) => file.status === "failed" && file.assertionResults.length === 0,
).length;
const skipped = report.numPendingTests + report.numTodoTests;
const failed = report.numFailedTests + broken;

if (skipped > 0) console.log(`${skipped} skipped: a skipped test counts as a failure here`);
if (report.numTotalTests === 0) console.log("No test ran");
console.log(`${report.numPassedTests} passed, ${failed + skipped} failed`);
process.exitCode = failed + skipped === 0 && report.numPassedTests > 0 ? 0 : 1;

function read(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return {
      testResults: [],
      numPendingTests: 0,
      numTodoTests: 0,
      numFailedTests: 0,
      numPassedTests: 0,
      numTotalTests: 0,
    };
  }
}

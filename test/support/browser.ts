// A real browser for a test: Chromium without a window, driven by playwright-core, closed with the test.
// On a machine without one the test is skipped and says so (CI counts that as a failure; .ci/run installs it as root on Debian).
import { access } from "node:fs/promises";
import { type Browser, chromium } from "playwright-core";
import { onTestFinished, type TestContext } from "vitest";

const PROGRAMS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Nothing is fetched from anywhere but from the pages of the test. `--no-sandbox`: root has none. */
const FLAGS: string[] = [
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts it, or skips the test with a reason. `CHROMIUM` names a program that stands elsewhere. */
export async function openBrowser(context: TestContext): Promise<Browser> {
  const executablePath = await findProgram();
  if (executablePath === undefined) return context.skip("no Chromium here (apt-get install chromium, or set CHROMIUM)");
  const browser = await chromium.launch({ executablePath, args: FLAGS, timeout: 60_000 });
  onTestFinished(() => browser.close());
  return browser;
}

async function findProgram(): Promise<string | undefined> {
  const { CHROMIUM } = process.env;
  for (const path of CHROMIUM ? [CHROMIUM] : PROGRAMS) {
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return undefined;
}

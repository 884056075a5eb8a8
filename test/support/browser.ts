// A real browser for a test: Chromium without a window, driven by playwright-core, closed with the test.
// On a machine without one the test is skipped and says so (CI counts that as a failure; .ci/run installs it as root on Debian).
import { access } from "node:fs/promises";
import { onTestFinished, type TestContext } from "vitest";

/** The part of playwright-core's Browser that tests use so far. */
export interface Browser {
  newPage(): Promise<Page>;
  close(): Promise<void>;
}

/** The same of its Page. */
export interface Page {
  goto(url: string): Promise<unknown>;
  setContent(html: string): Promise<void>;
  click(selector: string): Promise<void>;
  /** Runs the function in the page. */
  evaluate<T, A>(run: (argument: A) => T | Promise<T>, argument: A): Promise<T>;
  waitForResponse(url: string): Promise<{ status(): number; json(): Promise<unknown> }>;
  close(): Promise<void>;
}

type Launch = (options: { executablePath: string; args: readonly string[]; timeout: number }) => Promise<Browser>;

// by a name that the compiler does not resolve: a checkout is type-checked also where the package is not installed
const LIBRARY: string = "playwright-core";

const PROGRAMS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Nothing is fetched from anywhere but from the pages of the test. `--no-sandbox`: root has none. */
const FLAGS = [
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
  const { chromium } = (await import(LIBRARY)) as { chromium: { launch: Launch } };
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

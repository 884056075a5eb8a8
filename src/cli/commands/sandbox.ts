// `sandbox`: the stand-in for the image API, until it is told to stop.
import { type Command, Option } from "commander";
import { PROMPT_MARKERS } from "../../dev/sandbox/faults.ts";
import { openSandbox, type Sandbox, type SandboxOptions } from "../../dev/sandbox/sandbox.ts";
import { SWITCHES, type SwitchDescription, type SwitchKind } from "../../dev/sandbox/switches.ts";
import { ConfigError } from "../../domain/errors.ts";
import { toSwitches } from "../demo/switch-flags.ts";
import { aborted, commandName, EXIT, interruptSignal, printJson, writeOutput } from "../io.ts";

const EXAMPLES = `
The switches make any failure happen; they can be changed while it runs (PATCH /sandbox). At the end it prints its bill.

Examples:
  $ asset-archiver sandbox
  $ asset-archiver sandbox --latency 2s --rate-limit 10/s --error-rate 0.1
  $ asset-archiver sandbox --port 9191 --url-lifetime 5m --truncate-rate 0.2`;

const DEFAULT_PORT = "9090";

interface Options {
  [flag: string]: unknown;
  host?: string;
  port?: string;
  apiKey?: string;
  secret?: string;
  publicUrl?: string;
  json?: boolean;
}

export function addSandboxCommand(program: Command, end: (code: number) => void): void {
  const command = program
    .command("sandbox")
    .description("stand in for the image API: real pictures, real errors, no cost")
    .option("--host <address>", "where to listen (default: 127.0.0.1)")
    .option("--port <number>", `0 takes any (default: ${DEFAULT_PORT})`)
    .option("--api-key <key>", "accept this key only (default: any)")
    .option("--secret <text>", "signs the image URLs; with the same one they survive a restart")
    .option("--public-url <url>", "the origin of image URLs, where callers know the sandbox under another name");
  for (const { flag, kind, about, value } of SWITCHES) {
    command.addOption(
      new Option(kind === "boolean" ? flag : `${flag} <${kind}>`, `${about}${toFallback(kind, value)}`),
    );
  }
  command
    .option("--json", "one JSON line when it listens, and one with the bill at the end")
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options) => end(await runSandbox(options)));
}

function toFallback(kind: SwitchKind, value: SwitchDescription["value"]): string {
  // what is off need not be told
  if (value === null || value === false || value === 0) return "";
  return ` (default: ${kind === "duration" ? `${Number(value) / 86_400_000}d` : value})`;
}

async function runSandbox(options: Options): Promise<number> {
  const place = toPlace(options);
  const signal = interruptSignal();
  const sandbox = await open({ ...place, ...toSwitches(options) });
  try {
    const start = describe(sandbox, place.apiKey);
    if (options.json) printJson(start);
    else toStartLines(start).forEach(writeOutput);
    await aborted(signal);
  } finally {
    const { entries: _, ...bill } = sandbox.bill();
    await sandbox.close();
    if (options.json) printJson({ bill });
    else toBillLines(bill).forEach(writeOutput);
  }
  return EXIT.done;
}

function toPlace({ host, port = DEFAULT_PORT, apiKey, secret, publicUrl }: Options): SandboxOptions & { port: number } {
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    throw new ConfigError(`--port: wanted a number from 0 to 65535, got "${port}"`, { code: "invalid_port" });
  }
  const given = { host, apiKey, secret, publicUrl };
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { ...set, port: Number(port) };
}

async function open(options: SandboxOptions & { port: number }): Promise<Sandbox> {
  try {
    return await openSandbox(options);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (!/^(EADDR|EACCES|ENOTFOUND)/.test(code)) throw error;
    const where = `${options.host ?? "127.0.0.1"}:${options.port}`;
    throw new ConfigError(`Cannot listen on ${where} (${code}): choose another --port (0 takes any) or --host`, {
      code: "cannot_listen",
      cause: error,
    });
  }
}

interface Start {
  url: string;
  control: string;
  settings: { IMAGE_API_BASE_URL: string; IMAGE_API_KEY: string; PRIVATE_IMAGE_HOSTS: string };
}

function describe(sandbox: Sandbox, apiKey = "sandbox"): Start {
  // "all addresses" is nothing that one can connect to
  const url = sandbox.url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
  const { origin, host } = new URL(url);
  const settings = { IMAGE_API_BASE_URL: url, IMAGE_API_KEY: apiKey, PRIVATE_IMAGE_HOSTS: host };
  return { url, control: `${origin}/sandbox`, settings };
}

function toStartLines({ url, control, settings }: Start): string[] {
  return [
    `The sandbox answers at ${url} until Ctrl-C. For a worker in another terminal:`,
    "",
    ...Object.entries(settings).map(([name, value]) => `  export ${name}='${value}'`),
    `  ${commandName()} worker`,
    "",
    `Words in a prompt that make its call fail: ${PROMPT_MARKERS.map((marker) => `[${marker}]`).join(" ")}`,
    `Switches and bill: curl ${control}`,
    `Change a switch:   curl -X PATCH ${control} -d '{"rateLimit":"10/s"}'`,
  ];
}

function toBillLines(bill: Omit<ReturnType<Sandbox["bill"]>, "entries">): string[] {
  const outcomes = Object.entries(bill.outcomes).filter(([, number]) => number > 0);
  return [
    "",
    `calls      ${bill.calls}  ${outcomes.map(([name, number]) => `${name} ${number}`).join("  ")}`.trimEnd(),
    `paid       ${bill.paid_calls} calls, ${bill.images} images`,
    `limited    ${bill.rate_limited} calls got 429; at most ${bill.max_concurrent} at once`,
    `downloads  ${bill.downloads}, of them whole ${bill.downloads_complete}`,
  ];
}

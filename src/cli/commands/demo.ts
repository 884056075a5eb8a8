// `demo`: the whole way from prompts to archived pictures, against the sandbox, through the code of production.
import { randomInt } from "node:crypto";
import type { Command } from "commander";
import { readSettings } from "../../app/settings.ts";
import type { Log } from "../../pipeline/ports.ts";
import { createListener, toInvitation, withoutPassword } from "../demo/keep-running.ts";
import { findSurprise, type Standing } from "../demo/outcome.ts";
import { toDemoPrompts } from "../demo/prompts.ts";
import { DEMO_FOLDER, type Demo, openDemo } from "../demo/stage.ts";
import { toPageLine, toSummaryJson, toSummaryLines } from "../demo/summary.ts";
import { toSwitches } from "../demo/switch-flags.ts";
import { finishLeftovers, runPrompts } from "../demo/watch.ts";
import { aborted, commandName, EXIT, interruptSignal, printJson, printStyled, writeError } from "../io.ts";
import { createLiveView, type LiveView } from "../live-view.ts";
import { style } from "../text.ts";

const EXAMPLES = `
It is \`up\` in a folder of its own, ./${DEMO_FOLDER}, with a sandbox: catalog, archive, a private Redis where none is found, and
the page at PORT, or at a free port where that is taken.
Two of the requests fail, as they are meant to; exits 0 when everything went as planned.

Examples:
  $ asset-archiver demo          on a terminal it goes on until Ctrl-C, for requests of your own
  $ asset-archiver demo --exit   ends when the pictures are there (in a pipe that is the default)
  $ asset-archiver demo --json | jq -r '.results[].assets[].path'`;

interface Options {
  exit?: boolean;
  imageScale?: string;
  json?: boolean;
}

export function addDemoCommand(program: Command, end: (code: number) => void): void {
  program
    .command("demo")
    .description("see everything work, at no cost: a dozen prompts, the sandbox as their API, a worker")
    .option("--exit", "end when the pictures are there")
    .option("--image-scale <share>", "smaller pictures, from 0.01 on (default: 1)")
    .option("--json", "one JSON document at the end; implies --exit")
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options) => end(await runDemo(options)));
}

async function runDemo(options: Options): Promise<number> {
  const settings = readSettings();
  const { imageScale = 1 } = toSwitches({ imageScale: options.imageScale });
  let demo: Demo | undefined;
  let onEnd: (requestId: string) => Promise<void> = async () => undefined;
  const view = createLiveView(process.stderr);
  const signal = interruptSignal(() => void demo?.close());
  try {
    const log = createDemoLog(view);
    demo = await openDemo({
      settings,
      log,
      imageScale,
      writeError,
      onListening: (url) => {
        if (!options.json) printStyled(`The page with the pictures: ${style("bold", url)}`);
      },
      signal,
      onStep: (_, requestId) => onEnd(requestId),
    });
    const staysOpen = !options.exit && !options.json && process.stdout.isTTY === true;
    const standings = await present(demo, { view, signal, json: options.json, staysOpen });
    if (signal.aborted) return EXIT.interrupted;
    if (staysOpen) {
      const told = standings.map(({ detail }) => detail.request.request_id);
      onEnd = createListener(demo, { told, tell: printStyled });
      [...toInvitation(demo, commandName()), toPageLine(demo.url, true)].forEach(printStyled);
      await aborted(signal);
    } else await finishLeftovers(demo, signal);
    return standings.every((one) => findSurprise(one) === undefined) ? EXIT.done : EXIT.failed;
  } finally {
    view.end();
    if (signal.aborted) writeError("Stopping: waiting for in-flight calls; signal again to stop now");
    await demo?.close();
  }
}

interface Presentation {
  view: LiveView;
  signal: AbortSignal;
  json: boolean | undefined;
  staysOpen: boolean;
}

async function present(demo: Demo, { view, signal, json, staysOpen }: Presentation): Promise<Standing[]> {
  const begunMs = Date.now();
  const run = { id: begunMs.toString(36), seed: randomInt(2 ** 31) };
  const standings = await runPrompts(demo, toDemoPrompts(run), { view, signal, begunMs });
  view.end();
  if (signal.aborted) return standings;
  const options = { elapsedMs: Date.now() - begunMs, locate: demo.locate };
  if (json)
    printJson(toSummaryJson(standings, { ...options, url: demo.url, settings: withoutPassword(demo.environment) }));
  else {
    // where the demo stays open, the page's line follows the invitation
    const last = staysOpen ? [] : [toPageLine(demo.url, false)];
    ["", ...toSummaryLines(standings, options), ...last].forEach(printStyled);
  }
  return standings;
}

/** Errors only: what is refused and tried again on purpose stands in the view. */
function createDemoLog(view: LiveView): Log {
  const ignore = () => undefined;
  const error = (fields: object, message: string) => {
    if ("request_id" in fields) return;
    const line = `${message} ${JSON.stringify(fields)}`;
    if (process.stderr.isTTY) view.above(line);
    else writeError(line);
  };
  return { debug: ignore, info: ignore, warn: ignore, error };
}

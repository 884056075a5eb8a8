// The commands, put together, and the one place where an error becomes an exit code.
import { Command, CommanderError } from "commander";
import { ArchiverError, ConfigError, RejectedError } from "../errors.ts";
import { COMMANDS } from "./commands.ts";
import { EXIT, say } from "./io.ts";

const EXAMPLES = `
Examples:
  $ asset-archiver demo                          see everything work, at no cost
  $ asset-archiver worker                        take jobs, call the API, archive what comes
  $ asset-archiver enqueue "a red fox" --wait    one picture, from prompt to file
  $ asset-archiver status                        what is going on
  $ asset-archiver catalog export > assets.jsonl every archived image with its recipe

Exit codes: 0 done, 1 failed, 2 wrong use or settings, 130 interrupted`;

/** Runs one command line and resolves to its exit code. */
export async function runProgram(args: string[]): Promise<number> {
  process.stdout.on("error", leaveWithReader);
  let code: number = EXIT.done;
  const program = createProgram((ended) => {
    code = ended;
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    return explain(error, args.includes("--json"));
  }
}

// `catalog export | head`: the reader has what it wanted, and there is nobody left to tell
function leaveWithReader(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
  process.exit(EXIT.done);
}

function createProgram(end: (code: number) => void): Command {
  const program = new Command("asset-archiver")
    .description("Keeps generated images: prompts in, archived and recorded pictures out")
    .addHelpText("after", EXAMPLES);
  for (const add of COMMANDS) add(program, end);
  strict(program);
  return program;
}

// every level: errors thrown instead of process.exit, and the nearest name offered
function strict(command: Command): void {
  command.exitOverride().showSuggestionAfterError(true).showHelpAfterError("(add --help for the options and examples)");
  for (const sub of command.commands) strict(sub);
}

function explain(error: unknown, json: boolean): number {
  // commander has said it already
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.wrongUse;
  if (error instanceof ArchiverError) {
    const { code, message } = error;
    const faults = error instanceof RejectedError || error instanceof ConfigError ? error.faults : [];
    say(json ? JSON.stringify({ error: { code, message, faults } }) : message);
    const wrongUse = error instanceof ConfigError || code === "invalid_request";
    return wrongUse ? EXIT.wrongUse : EXIT.failed;
  }
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return EXIT.failed;
}

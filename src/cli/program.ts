// The commands, put together, and the one place where an error becomes an exit code.
import { Command, CommanderError } from "commander";
import { VERSION } from "../app/version.ts";
import { ArchiverError, ConfigError, RejectedError } from "../domain/errors.ts";
import { toSafeText } from "../domain/terminal-text.ts";
import { COMMANDS } from "./commands.ts";
import { EXIT, writeError } from "./io.ts";
import { refuseRemote } from "./local-only.ts";

const EXAMPLES = `
Examples:
  $ asset-archiver demo                          see everything work, at no cost
  $ asset-archiver up                            run everything on this machine
  $ asset-archiver worker                        take jobs, call the API, archive what comes
  $ asset-archiver enqueue "a red fox" --wait    one picture, from prompt to file
  $ asset-archiver status                        what is going on
  $ asset-archiver catalog export > assets.jsonl every archived image with its recipe

Exit codes: 0 done, 1 failed, 2 wrong use or settings, 130 interrupted`;

/** Runs one command line and resolves to its exit code. */
export async function runProgram(args: string[]): Promise<number> {
  process.stdout.on("error", leaveWithReader);
  let code: number = EXIT.done;
  try {
    const program = await createProgram({
      // the name stands somewhere among the words; one that is an argument only is loaded for nothing
      isWanted: (name) => args.includes(name),
      end: (ended) => {
        code = ended;
      },
    });
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    return explain(error, args.includes("--json"));
  }
}

export interface ProgramOptions {
  /** Which commands are loaded; the others are there by name only. */
  isWanted(name: string): boolean;
  end(code: number): void;
}

/** The commands put together. */
export async function createProgram({ isWanted, end }: ProgramOptions): Promise<Command> {
  const program = new Command("asset-archiver")
    .description("Keeps generated images: prompts in, archived and recorded pictures out")
    .version(VERSION, "--version", "print the version")
    .addHelpText("after", EXAMPLES)
    .hook("preAction", (_, command) => refuseRemote(command));
  for (const { name, about, load } of COMMANDS) {
    if (isWanted(name)) (await load(isWanted))(program, end);
    else program.command(name).description(about);
  }
  strict(program);
  return program;
}

// `catalog export | head`: the reader has what it wanted, and there is nobody left to tell
function leaveWithReader(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
  process.exit(EXIT.done);
}

// an error quotes what was typed, or what a script put in there
const SAFE_OUTPUT = {
  writeOut: (text: string) => void process.stdout.write(toSafeText(text)),
  writeErr: (text: string) => void process.stderr.write(toSafeText(text)),
};

// every level: errors thrown instead of process.exit, and the nearest name offered
function strict(command: Command): void {
  command
    .configureOutput(SAFE_OUTPUT)
    .exitOverride()
    .showSuggestionAfterError(true)
    .showHelpAfterError("(add --help for the options and examples)");
  for (const sub of command.commands) strict(sub);
}

function explain(error: unknown, json: boolean): number {
  // commander has said it already
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.wrongUse;
  if (error instanceof ArchiverError) {
    const { code, message } = error;
    const faults = error instanceof RejectedError || error instanceof ConfigError ? error.faults : [];
    writeError(json ? JSON.stringify({ error: { code, message, faults } }) : message);
    const wrongUse = error instanceof ConfigError || code === "invalid_request";
    return wrongUse ? EXIT.wrongUse : EXIT.failed;
  }
  writeError(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return EXIT.failed;
}

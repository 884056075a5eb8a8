// How a command is known before it is loaded: all commands together would make even `--help` take a second.
import type { Command } from "commander";

/** Adds one command to the program or to its group; it calls `end` with its exit code. */
export type AddCommand = (program: Command, end: (code: number) => void) => void;

/** One command: its name, what it is for, and how it is loaded. */
export interface CommandEntry {
  name: string;
  /** The same words as in the command's own description. */
  about: string;
  /** A group of commands loads those of its own that are wanted. */
  load(isWanted: (name: string) => boolean): Promise<AddCommand>;
}

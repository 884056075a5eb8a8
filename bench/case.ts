// What a case is: subjects that are measured in turns, and the rows of the table that are read off them.
import type { Lab, Measured } from "./lab.ts";

/** Measures once. A case names its subjects; "ours" and "baseline" are the usual two. */
export type Subject = () => Promise<Measured>;

/** One figure of one subject: `{ of: "ours64", figure: "p99Ms" }`. */
export interface Figure {
  /** A name among the case's subjects; "ours" where it is left out. */
  of?: string;
  /** A field of what the subject reported; "value" where it is left out. */
  figure?: string;
}

export type Limit = { atLeast: number } | { atMost: number };

/** One line of the table: our figure, judged by its ratio to a baseline's, or as it stands where there is none. */
export interface RowOf {
  name: string;
  unit: string;
  ours?: Figure;
  /** "none": the limit is an absolute one. Else the subject "baseline" and its "value", where nothing is said. */
  baseline?: Figure | "none";
  limit: Limit;
}

export interface Case {
  /** What is typed to choose it. */
  name: string;
  /** One sentence for `--list`. */
  about: string;
  rows: readonly RowOf[];
  /** Where a round takes minutes: fewer than five by default, and why. The table says so. */
  fewerRounds?: { rounds: number; why: string };
  /** Starts what it needs in the lab, which stops it. */
  open(lab: Lab): Promise<Record<string, Subject>>;
}

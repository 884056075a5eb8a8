// What a case is: two things to measure in turns, and the ratio that is wanted of them.
import type { Lab, Measured } from "./lab.ts";

export interface Case {
  name: string;
  unit: string;
  wanted: string;
  reached(ratio: number): boolean;
  /** Starts its servers in the lab; the lab stops them. */
  open(lab: Lab): Promise<{ ours(): Promise<Measured>; baseline(): Promise<Measured> }>;
}

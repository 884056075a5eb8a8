// Seeded choices: the same seed gives the same prompts, kills and faults. Pure.
import { createHash } from "node:crypto";

/** A die with a memory of its own. */
export interface Dice {
  /** 0 ≤ x < 1. */
  roll(): number;
  /** A whole number, both ends included. */
  between(least: number, most: number): number;
  pick<T>(list: readonly T[]): T;
  chance(share: number): boolean;
}

/** Dice that follow from a seed and a name: what one part of the test draws changes nothing for the others. */
export function createDice(seed: number, name: string): Dice {
  let count = 0;
  const roll = () => createHash("sha256").update(`${seed} ${name} ${count++}`).digest().readUInt32BE(0) / 2 ** 32;
  return {
    roll,
    between: (least, most) => least + Math.floor(roll() * (most - least + 1)),
    pick: <T>(list: readonly T[]) => list[Math.floor(roll() * list.length)] as T,
    chance: (share) => roll() < share,
  };
}

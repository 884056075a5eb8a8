// One case from its opening to its rows: rounds in which every subject has its turn.
import type { Case, Subject } from "./case.ts";
import type { Cost } from "./cost.ts";
import { openLab } from "./lab.ts";
import { type Round, type Row, toRow } from "./table.ts";

export interface Outcome {
  name: string;
  rounds: number;
  /** Why there were fewer rounds than five; empty where there were not, or somebody asked for them. */
  note: string;
  rows: Row[];
  /** Every figure of every subject in every round. */
  measured: Round[];
  /** What the servers have cost over all rounds. */
  servers: Record<string, Cost>;
  failure?: string;
}

const ROUNDS = 5;

/** Never throws for a subject that fails: the failure is told, and other cases go on. */
export async function runCase(one: Case, { rounds: asked }: { rounds: number | undefined }): Promise<Outcome> {
  const rounds = asked ?? one.fewerRounds?.rounds ?? ROUNDS;
  const note = asked === undefined ? (one.fewerRounds?.why ?? "") : "as asked";
  const outcome: Outcome = { name: one.name, rounds, note, rows: [], measured: [], servers: {} };
  const lab = await openLab();
  try {
    const subjects = Object.entries(await one.open(lab));
    for (let round = 1; round <= rounds; round++) {
      outcome.measured.push(await takeTurns(subjects, { name: one.name, round, rounds }));
    }
    outcome.rows = one.rows.map((row) => toRow(outcome.measured, row));
    outcome.servers = await lab.servers();
  } catch (error) {
    outcome.failure = error instanceof Error ? error.message : String(error);
  } finally {
    await lab.close();
  }
  return outcome;
}

async function takeTurns(
  subjects: [string, Subject][],
  at: { name: string; round: number; rounds: number },
): Promise<Round> {
  // who goes first changes from round to round: what warms up or wears out meets all
  const order = at.round % 2 === 1 ? subjects : [...subjects].reverse();
  const measured: Round = {};
  for (const [subject, measure] of order) measured[subject] = await measure();
  const told = subjects.map(([subject]) => `${subject} ${measured[subject]?.value.toPrecision(5)}`).join(", ");
  process.stderr.write(`${at.name} ${at.round}/${at.rounds}: ${told}\n`);
  return measured;
}

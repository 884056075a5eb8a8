// What doctor says: one finding after the other, each with the setting that is wrong and what to do. Pure.
import { style } from "../text.ts";

export type Level = "ok" | "warning" | "problem";

/** One finding. `setting` and `advice` are there when something is to be done. */
export interface Finding {
  subject: "settings" | "redis" | "store" | "mirror" | "api" | "catalog" | "disk" | "workers" | "schedule" | "deep";
  level: Level;
  message: string;
  setting: string | null;
  advice: string | null;
}

/** Findings about one subject, in the order in which they are made. */
export function createFindings(subject: Finding["subject"]) {
  const list: Finding[] = [];
  const add = (level: Level, message: string, mend?: { setting?: string; advice: string }) => {
    list.push({ subject, level, message, setting: mend?.setting ?? null, advice: mend?.advice ?? null });
  };
  return {
    list,
    ok: (message: string) => add("ok", message),
    warning: (message: string, mend: { setting?: string; advice: string }) => add("warning", message, mend),
    problem: (message: string, mend: { setting?: string; advice: string }) => add("problem", message, mend),
  };
}

export type Findings = ReturnType<typeof createFindings>;

const SIGNS: Record<Level, string> = {
  ok: style("green", "ok      "),
  warning: style("yellow", "warning "),
  problem: style("red", "problem "),
};

/** A finding as lines for a person. */
export function toFindingLines({ subject, level, message, setting, advice }: Finding): string[] {
  const lines = [`${SIGNS[level]} ${subject.padEnd(8)} ${message}`];
  if (advice !== null) lines.push(`${" ".repeat(18)}${setting === null ? "" : `${setting}: `}${advice}`);
  return lines;
}

/** How many findings of each level there are. */
export function countLevels(findings: readonly Finding[]): Record<Level, number> {
  const counts = { ok: 0, warning: 0, problem: 0 };
  for (const { level } of findings) counts[level] += 1;
  return counts;
}

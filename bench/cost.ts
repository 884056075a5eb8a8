// What a process costs: CPU seconds and peak resident memory, told by itself or read from Linux about another one.
import { readFile } from "node:fs/promises";

export interface Cost {
  cpuSeconds: number;
  peakRssMib: number;
}

const TICKS_A_SECOND = 100;

/** What this process has cost up to now. */
export function ownCost(): Cost {
  const { user, system } = process.cpuUsage();
  return { cpuSeconds: (user + system) / 1e6, peakRssMib: process.resourceUsage().maxRSS / 1024 };
}

/** What another process has cost up to now; zeros where the system does not tell (only Linux does). */
export async function costOf(pid: number): Promise<Cost> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // the name, in parentheses, may hold spaces: fields are counted from behind it
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const status = await readFile(`/proc/${pid}/status`, "utf8");
    const peakKib = Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0);
    return { cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND, peakRssMib: peakKib / 1024 };
  } catch {
    return { cpuSeconds: 0, peakRssMib: 0 };
  }
}

/** A subject's last word: its figures, with what it cost (unless it gives the cost of another process itself). */
export function report(figures: { value: number; [more: string]: number }): void {
  process.send?.({ ...ownCost(), ...figures });
}

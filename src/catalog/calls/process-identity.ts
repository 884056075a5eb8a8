// What tells one process from every other: its host, its pid, and when it started, since a pid is used again.
import { execFileSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** What tells one process from every other, on this machine and elsewhere. */
export interface ProcessIdentity {
  /** The machine and its process name space: only there a pid means anything. */
  host: string;
  pid: number;
  /** Empty where this system cannot say when a process started. */
  pid_started: string;
}

/** A process of this host: gone, there since a known start, or there and nobody can say since when. */
export type ProcessState = { there: false } | { there: true; started: string };

const GONE: ProcessState = { there: false };

/** This process. */
export function thisProcess(): ProcessIdentity {
  const state = inspectProcess(process.pid);
  return { host: hostIdentity(), pid: process.pid, pid_started: state.there ? state.started : "" };
}

/** How long a heartbeat counts as recent on other machines, in ms: nine missed ones. */
const RECENT_MS = 90_000;

/** What tells whether a recorded process is alive; `stopped_at` is missing in catalogs of older versions. */
export interface RecordedProcess extends ProcessIdentity {
  seen_at: number;
  stopped_at?: number | null;
}

/** Whether a recorded process is alive: see the table of `isWorkerAlive`. */
export function isProcessAlive(row: RecordedProcess, now: number): boolean {
  if (row.stopped_at != null) return false;
  const isRecent = now - row.seen_at < RECENT_MS;
  if (row.host !== hostIdentity()) return isRecent;
  const found = inspectProcess(row.pid);
  if (!found.there) return false;
  return found.started === "" || row.pid_started === "" ? isRecent : found.started === row.pid_started;
}

let host: string | undefined;

/** This host. A pid means something only within one boot of one machine and one pid name space (containers share the first two). */
export function hostIdentity(): string {
  host ??= [hostname(), read("/proc/sys/kernel/random/boot_id"), link("/proc/self/ns/pid")].join("/");
  return host;
}

/** The host's name within its identity. */
export function hostNameOf(identity: string): string {
  return identity.split("/", 1)[0] ?? identity;
}

/** Looks at a process of this host, by /proc on Linux and by `ps` elsewhere. A zombie is gone. */
export function inspectProcess(pid: number, platform: NodeJS.Platform = process.platform): ProcessState {
  if (platform === "linux") return inspectByProc(pid);
  if (!isSignalable(pid)) return GONE;
  return platform === "win32" ? { there: true, started: "" } : inspectByPs(pid);
}

// field 22 of /proc/<pid>/stat, in clock ticks after boot; the name in field 2 may hold spaces
function inspectByProc(pid: number): ProcessState {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === "") return GONE;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return isZombie(fields[0]) ? GONE : { there: true, started: fields[19] ?? "" };
}

/** How long `ps` may take, in ms. */
const PS_TIMEOUT_MS = 2_000;

// macOS and the BSDs keep the absolute start; its text depends on language and time zone, so both are fixed
function inspectByPs(pid: number): ProcessState {
  try {
    const args = ["-o", "state=", "-o", "lstart=", "-p", String(pid)];
    const options = { encoding: "utf8", timeout: PS_TIMEOUT_MS, env: { LC_ALL: "C", TZ: "UTC" } } as const;
    const [state, ...started] = execFileSync("/bin/ps", args, { ...options, stdio: ["ignore", "pipe", "ignore"] })
      .trim()
      .split(/\s+/);
    return isZombie(state) ? GONE : { there: true, started: started.join(" ") };
  } catch (error) {
    // exit 1: no such process any more; anything else: no usable ps, and the heartbeat decides
    return (error as { status?: number | null }).status === 1 ? GONE : { there: true, started: "" };
  }
}

function isZombie(state: string | undefined): boolean {
  return state?.startsWith("Z") === true || state?.startsWith("X") === true;
}

// EPERM means there, and somebody else's
function isSignalable(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

// a file that is not there is an answer: this system has none
function read(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

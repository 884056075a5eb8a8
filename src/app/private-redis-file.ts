// The private Redis of a data folder, as other processes find it: its address and password lie in `<data folder>/redis`.
// Reads files only; that the server answers is found out by whoever connects.
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** The folder of the private Redis that belongs to a data folder. */
export function privateRedisFolder(dataFolder: string): string {
  return join(dataFolder, "redis");
}

/** Holds `{ pid, port }` of the running server. */
export function addressFile(redisFolder: string): string {
  return join(redisFolder, "server.json");
}

/** Holds the password of the folder's server. */
export function passwordFile(redisFolder: string): string {
  return join(redisFolder, "password");
}

/** The URL of the private Redis that runs for this data folder, with its password; undefined where none runs. */
export function findPrivateRedisUrl(dataFolder: string): string | undefined {
  const folder = privateRedisFolder(dataFolder);
  try {
    if (!isOwn(addressFile(folder))) return undefined;
    const { pid, port } = JSON.parse(readFileSync(addressFile(folder), "utf8")) as { pid: number; port: number };
    const password = readFileSync(passwordFile(folder), "utf8").trim();
    const isValid = Number.isInteger(port) && Number.isInteger(pid) && /^[0-9a-f]{64}$/.test(password);
    return isValid && isRunning(pid) ? `redis://:${password}@127.0.0.1:${port}` : undefined;
  } catch {
    return undefined;
  }
}

// another user of a shared folder could otherwise name a server of theirs, and read every prompt
function isOwn(path: string): boolean {
  const user = process.getuid?.();
  return user === undefined || statSync(path).uid === user;
}

// after a kill or a restart of the machine, the file may name a process that is gone or another program
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  if (process.platform !== "linux") return true;
  try {
    return /redis|valkey/.test(readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[0] ?? "");
  } catch {
    return true;
  }
}

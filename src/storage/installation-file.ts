// The object at the top of a store that says which installation the archive in it belongs to.
import { createHash } from "node:crypto";
import { ConfigError } from "../domain/errors.ts";
import type { Store } from "../pipeline/ports.ts";

const KEY = "installation.json";

/** The installation that the store belongs to; undefined where none is named. Throws ConfigError for a file that is broken. */
export async function readInstallationFile(
  store: Store,
  options: { signal?: AbortSignal } = {},
): Promise<string | undefined> {
  const bytes = await store.get(KEY, options);
  if (bytes === undefined) return undefined;
  const id = parse(bytes.toString("utf8"));
  if (id !== undefined) return id;
  throw new ConfigError(
    `Cannot read "${store.locate(KEY)}": expected {"version":1,"installation_id":"…"}; restore it, or remove it and run: asset-archiver migrate --adopt`,
    { code: "installation_unreadable" },
  );
}

function parse(text: string): string | undefined {
  try {
    const { installation_id } = JSON.parse(text) as { installation_id?: unknown };
    return typeof installation_id === "string" && installation_id !== "" ? installation_id : undefined;
  } catch {
    return undefined;
  }
}

/** Names the installation that the store belongs to. */
export async function writeInstallationFile(
  store: Store,
  { id, now, signal }: { id: string; now: number; signal?: AbortSignal },
): Promise<void> {
  const text = `${JSON.stringify({ version: 1, installation_id: id, written_at: now })}\n`;
  const bytes = Buffer.from(text);
  const digest = createHash("sha256").update(bytes).digest("hex");
  await store.put(KEY, bytes, {
    contentType: "application/json",
    digest,
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Whether a store holds an archive, with or without a name: one image or one sidecar is enough. */
export async function holdsArchive(store: Store, options: { signal?: AbortSignal } = {}): Promise<boolean> {
  for (const prefix of ["images/", "requests/"]) for await (const _ of store.list(prefix, options)) return true;
  return false;
}

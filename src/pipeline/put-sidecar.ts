// Writes the sidecar of a request to the store. Its format is in domain/sidecar.ts.
import { createHash } from "node:crypto";
import { sidecarKey } from "../domain/keys.ts";
import type { RequestDetail } from "../domain/records.ts";
import { sidecarBytes, toSidecar } from "../domain/sidecar.ts";
import type { Store } from "./ports.ts";

interface SidecarRun {
  store: Store;
  detail: RequestDetail;
  delivery: { signal: AbortSignal };
}

/** Writes the sidecar. `as` is the state that the request is about to enter, with its time. */
export async function putSidecar(run: SidecarRun, as?: { state: "archived"; archived_at: number }): Promise<void> {
  const bytes = sidecarBytes(toSidecar(run.detail, as));
  const digest = createHash("sha256").update(bytes).digest("hex");
  const { signal } = run.delivery;
  await run.store.put(sidecarKey(run.detail.request), bytes, { contentType: "application/json", digest, signal });
}

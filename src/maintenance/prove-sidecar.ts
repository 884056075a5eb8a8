// Whether the sidecar in the store says what the catalog says. Changes nothing.
import { isDeepStrictEqual } from "node:util";
import type { OpenCatalog } from "../catalog/catalog.ts";
import { toMessage } from "../domain/errors.ts";
import { sidecarKey } from "../domain/keys.ts";
import { parseSidecar, sidecarBytes, toSidecar } from "../domain/sidecar.ts";
import type { Store } from "../pipeline/ports.ts";

/** What comparing a sidecar with the catalog showed. */
export interface SidecarProof {
  key: string;
  fault: { kind: "sidecar_missing" | "sidecar_differs"; reason: string } | undefined;
}

/** Compares one sidecar; undefined where the request is changing just now, and whoever changes it writes it anew. */
export async function proveSidecar(
  requestId: string,
  { catalog, store, signal }: { catalog: OpenCatalog; store: Store; signal: AbortSignal },
): Promise<SidecarProof | undefined> {
  const before = await catalog.find(requestId);
  if (before === undefined) return undefined;
  const key = sidecarKey(before.request);
  const bytes = await store.get(key, { signal });
  const detail = await catalog.find(requestId);
  if (detail === undefined || !isDeepStrictEqual(detail, before)) return undefined;
  if (bytes === undefined) return { key, fault: { kind: "sidecar_missing", reason: "it is not in the store" } };
  const reason = findSidecarFault(bytes, { key, wanted: sidecarBytes(toSidecar(detail)) });
  return { key, fault: reason === undefined ? undefined : { kind: "sidecar_differs", reason } };
}

// the bytes of an older version differ and say the same
function findSidecarFault(bytes: Buffer, { key, wanted }: { key: string; wanted: Buffer }): string | undefined {
  if (bytes.equals(wanted)) return undefined;
  try {
    return isDeepStrictEqual(parseSidecar(bytes, key), parseSidecar(wanted, key))
      ? undefined
      : "it says something else than the catalog";
  } catch (error) {
    return toMessage(error);
  }
}

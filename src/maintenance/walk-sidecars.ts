// The walk over all sidecars of a verification: it notes how far it is, so that a run that is cut short goes on there.
import { z } from "zod";
import type { IntegrityQueries } from "../catalog/integrity/integrity.ts";
import type { Json } from "../domain/request/canonical-json.ts";
import { mapInOrder } from "../domain/streams.ts";

export interface SidecarWalk {
  integrity: Pick<IntegrityQueries, "listWithSidecar" | "recordProgress">;
  run: { run_id: string; progress: Json | null };
  /** Looks at the sidecar of one request; whether it is faulty. */
  look(requestId: string): Promise<boolean>;
  /** Called after each page: whether the time is over. May throw. */
  isOver(): boolean;
}

const AT_ONCE = 8;
/** With more faults than this the store is another one: nobody wants to go on from there. */
const SUSPECTS_MAX = 10_000;

/** Behind which request the walk is, and which of those before it were faulty: they are looked at again. */
const progress = z.object({ after: z.string(), suspects: z.array(z.string()) });

/** Walks over all of them, or over those that are left; resolves to whether all were seen. */
export async function walkSidecars({ integrity, run, look, isOver }: SidecarWalk): Promise<boolean> {
  const begun = progress.safeParse(run.progress).data ?? { after: "", suspects: [] };
  const suspects = await lookAtAll(begun.suspects, look);
  for (const page of integrity.listWithSidecar(begun.after)) {
    suspects.push(...(await lookAtAll(page, look)));
    const after = page.at(-1) ?? "";
    if (suspects.length <= SUSPECTS_MAX) await integrity.recordProgress(run.run_id, { after, suspects });
    if (isOver()) return false;
  }
  return true;
}

async function lookAtAll(ids: readonly string[], look: SidecarWalk["look"]): Promise<string[]> {
  const faulty: string[] = [];
  const looks = mapInOrder(ids, AT_ONCE, async (id) => ((await look(id)) ? id : undefined));
  for await (const id of looks) if (id !== undefined) faulty.push(id);
  return faulty;
}

// Requests that come within one turn of the event loop, on their way to the thread that records them: one message there,
// one back, and no more in it than the time of recording. They go as text: writing and reading it takes a third of a
// structured clone.
import { ArchiverError } from "../../domain/errors.ts";
import type { RequestDetail } from "../../domain/records.ts";
import type { Request } from "../../domain/request/submission.ts";
import type { Catalog } from "../../pipeline/ports.ts";
import { type AcceptedRows, requireSame } from "./accept.ts";
import { type Origin, toAcceptRow, toFreshDetail } from "./accept-row.ts";

interface Waiting {
  request: Request;
  origin: Origin;
  resolve(detail: RequestDetail): void;
  reject(error: unknown): void;
}

/** So many are worth a message: the thread records them while the rest of the turn is still being read and checked. */
const GROUP_SIZE = 16;

/** `acceptRows` records on the thread what `send` sends there. */
export function createBatchedAccept(
  acceptRows: (json: string) => Promise<AcceptedRows>,
  send: () => void,
): Catalog["accept"] {
  let gathering: Waiting[] = [];

  function flush(): void {
    const group = gathering;
    gathering = [];
    if (group.length === 0) return;
    void record(group);
    send();
  }

  async function record(group: readonly Waiting[]): Promise<void> {
    try {
      const rows = group.map(({ request, origin }) => toAcceptRow(request, origin));
      settle(group, await acceptRows(JSON.stringify(rows)));
    } catch (error) {
      // a bug that one of them met is nothing to the others
      if (group.length > 1 && !(error instanceof ArchiverError)) for (const one of group) void record([one]);
      else for (const { reject } of group) reject(error);
    }
  }

  return (request, origin) =>
    new Promise((resolve, reject) => {
      gathering.push({ request, origin, resolve, reject });
      if (gathering.length === GROUP_SIZE) flush();
      else if (gathering.length === 1) setImmediate(flush);
    });
}

function settle(group: readonly Waiting[], { now, known }: AcceptedRows): void {
  const details = new Map(known.map(({ place, detail }) => [place, detail]));
  for (const [place, { request, origin, resolve, reject }] of group.entries()) {
    const detail = details.get(place);
    try {
      resolve(detail === undefined ? toFreshDetail(request, origin, now) : requireSame(detail, request));
    } catch (error) {
      reject(error);
    }
  }
}

// Requests that come within one turn of the event loop, on their way to the thread that records them: one message there,
// one back, and no more in it than the time of recording. They go as text: writing and reading it takes a third of a
// structured clone.
import type { Catalog } from "../pipeline/ports.ts";
import type { RequestDetail } from "../pipeline/records.ts";
import type { Request } from "../request/submission.ts";
import type { AcceptedRows } from "./accept.ts";
import { type Origin, toAcceptRow, toFreshDetail } from "./accept-row.ts";
import { fromPlain } from "./plain-error.ts";

interface Waiting {
  request: Request;
  origin: Origin;
  resolve(detail: RequestDetail): void;
  reject(error: unknown): void;
}

/** `acceptRows` records on the thread what `send` sends there. */
export function createAcceptGroups(
  acceptRows: (json: string) => Promise<AcceptedRows>,
  send: () => void,
): Catalog["accept"] {
  let group: Waiting[] = [];

  function flush(): void {
    const waiting = group;
    group = [];
    const rows = waiting.map(({ request, origin }) => toAcceptRow(request, origin));
    acceptRows(JSON.stringify(rows)).then(
      (accepted) => settle(waiting, accepted),
      (error: unknown) => {
        for (const { reject } of waiting) reject(error);
      },
    );
    send();
  }

  return (request, origin) =>
    new Promise((resolve, reject) => {
      group.push({ request, origin, resolve, reject });
      if (group.length === 1) setImmediate(flush);
    });
}

function settle(waiting: readonly Waiting[], { now, known, refused }: AcceptedRows): void {
  for (const [place, detail] of known) waiting[place]?.resolve(detail);
  for (const [place, error] of refused) waiting[place]?.reject(fromPlain(error));
  // for those that are settled already this is without effect
  for (const { request, origin, resolve } of waiting) resolve(toFreshDetail(request, origin, now));
}

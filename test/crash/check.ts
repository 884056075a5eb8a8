// The verdict: what stands in the catalog, in the store and on the sandbox's bill, held against what was promised.
import type { RequestDetail, RequestRecord } from "../../src/domain/records.ts";
import type { Arena } from "./arena.ts";
import { checkMoney, type MoneyFigures } from "./check-money.ts";
import { checkStore, type StoreFigures } from "./check-store.ts";
import type { Refused } from "./producer.ts";

export interface Figures extends MoneyFigures, StoreFigures {
  accepted: number;
  archived: number;
  failed: number;
  parked: number;
  lost: number;
  /** Jobs added straight to BullMQ that an emptied Redis forgot before a worker saw them: not promised. */
  lost_with_redis: number;
  /** Refused in plain words because Redis was away. */
  refused: number;
  kills: number;
}

export interface Report {
  figures: Figures;
  /** Every promise that was broken, in words. Empty: all is well. */
  breaches: string[];
}

/** Reasons for which a request of this test may fail. Anything else is a fault of ours. */
const FAIR_REASONS = new Set(["content_policy_violation", "attempts_exhausted"]);

/** Reads everything there is. Call it when the workers have stopped and all servers are well. */
export async function checkArena(arena: Arena, kills: number): Promise<Report> {
  const catalog = arena.app.catalog();
  const details: RequestDetail[] = [];
  for (const { request_id } of catalog.listRequests()) {
    const detail = await catalog.find(request_id);
    if (detail !== undefined) details.push(detail);
  }
  const breaches: string[] = [];
  const money = checkMoney(details, { bill: await arena.sandbox.bill(), breaches });
  const store = await checkStore(details, { store: arena.store, breaches });
  const ends = checkEnds(arena, { details, breaches });
  return { figures: { ...ends, ...money, ...store, refused: arena.producer.refused.length, kills }, breaches };
}

interface Ends {
  details: readonly RequestDetail[];
  breaches: string[];
}

function checkEnds({ producer, redis }: Arena, { details, breaches }: Ends) {
  const byId = new Map(details.map((detail) => [detail.request.request_id, detail.request]));
  const figures = {
    accepted: producer.accepted.length,
    archived: 0,
    failed: 0,
    parked: 0,
    lost: 0,
    lost_with_redis: 0,
  };
  for (const { id, raw, at } of producer.accepted) {
    const request = byId.get(id);
    const gone = request === undefined && raw && at < redis.lostAt;
    const end = gone ? "lost_with_redis" : ENDS[request?.state ?? "queued"];
    figures[end] += 1;
    if (end !== "lost") continue;
    const why = `${request?.state ?? "unknown to the catalog"} (${request?.error?.message ?? "no reason"})`;
    breaches.push(`request ${id} is ${why}`);
  }
  breaches.push(...[...byId.values()].flatMap(toUnfair), ...producer.refused.flatMap(toRude));
  return figures;
}

const ENDS = {
  archived: "archived",
  failed: "failed",
  cancelled: "failed",
  parked: "parked",
  queued: "lost",
  generating: "lost",
  copying: "lost",
} as const;

function toUnfair({ request_id, state, error }: RequestRecord): string[] {
  if (state !== "failed" || FAIR_REASONS.has(error?.code ?? "")) return [];
  return [`request ${request_id} failed for a reason of ours: ${error?.code}: ${error?.message}`];
}

function toRude({ id, code, tookMs, raw, stands }: Refused): string[] {
  const late = tookMs > PROMPT_MS ? [`request ${id} was refused after ${tookMs} ms, wanted at most ${PROMPT_MS}`] : [];
  if (raw) return late;
  if (stands) late.push(`request ${id} was refused (${code}), and stood in the catalog`);
  if (code !== "redis_unreachable") late.push(`request ${id} was refused with ${code}`);
  return late;
}

/** A producer hears within this time that Redis is away, in ms. */
const PROMPT_MS = 8_000;

// The statements that every call passes through, prepared once for each open catalog. What they mean stands in calls.ts.
import type { SQL } from "drizzle-orm";
import type { Call } from "../../domain/records.ts";
import { isIntact } from "../assets/assets.ts";
import type { Db } from "../db/database.ts";
import { and, eq, inArray, isNull, ne, sql } from "../db/orm.ts";
import { param, prepared } from "../db/prepared.ts";
import { equalsRecipe } from "../requests/recipe-prefix.ts";
import { calls, generations, images, requests } from "../schema/requests.ts";

/** The row of a call that is about to be sent, under the next number of its request. */
export const insertSentCall = prepared((db) =>
  db
    .insert(calls)
    .values({
      request_id: param("requestId"),
      number: sql`(select coalesce(max(number), 0) + 1 from calls where request_id in (${param("requestId")}))`,
      state: "sent",
      n: param("n"),
      seed: param("seed"),
      worker_id: param("workerId"),
      batch_id: param("batchId"),
      price_micros: param("priceMicros"),
      price_currency: param("priceCurrency"),
      sent_at: param("now"),
    })
    .returning()
    .prepare(),
);

/** The request has a call out. */
export const setGenerating = prepared((db) =>
  db
    .update(requests)
    .set({ state: "generating", updated_at: param("now") })
    .where(eq(requests.request_id, param("requestId")))
    .prepare(),
);

/** The call of this request that is out. */
export const selectCallOut = prepared((db) =>
  db
    .select()
    .from(calls)
    .where(and(eq(calls.request_id, param("requestId")), sql`${calls.state} = 'sent'`))
    .prepare(),
);

/** Another request with this recipe that is being made, or has been. */
export const selectDuplicate = prepared((db) =>
  db
    .select({ request_id: requests.request_id })
    .from(requests)
    .where(
      and(
        equalsRecipe(sql`${requests.recipe_id}`, param("recipeId")),
        isNull(requests.deleted_at),
        ne(requests.request_id, param("requestId")),
        inArray(requests.state, ["generating", "copying", "archived"]),
        // the same condition as where images are reused: one that may answer nobody must keep nobody waiting
        isIntact(sql`${requests.request_id}`),
      ),
    )
    .prepare(),
);

/** An image of this request. */
export const selectAnyImage = prepared((db) =>
  db
    .select({ index: images.index })
    .from(images)
    .where(eq(images.request_id, param("requestId")))
    .prepare(),
);

/** Images generated and not yet archived, plus those that calls which are out may bring. */
export const selectUnarchived = prepared((db) => {
  const landed = sql`select coalesce(sum(n), 0) from requests where state = 'copying'`;
  const out = sql`select coalesce(sum(n), 0) from calls where state = 'sent'`;
  return db
    .select({ images: sql<number>`(${landed}) + (${out})` })
    .from(sql`(select 1)`)
    .prepare();
});

/** The call was answered, unless it was closed before. */
export const setAnswered = prepared((db) =>
  db
    .update(calls)
    .set({
      state: "answered",
      ended_at: param("now"),
      http_status: param("status"),
      api_request_id: param("apiRequestId"),
      error_code: null,
      error_message: null,
    })
    .where(
      and(
        isThis({ request_id: param("requestId"), number: param("number") }),
        inArray(calls.state, ["sent", "unknown"]),
      ),
    )
    .prepare(),
);

/** What an answer brought. */
export const insertGeneration = prepared((db) =>
  db
    .insert(generations)
    .values({
      request_id: param("request_id"),
      call_number: param("call_number"),
      api_created: param("api_created"),
      expires_at: param("expires_at"),
      // as text: through a placeholder drizzle would make JSON's "null" of what is null
      usage: sql`${param("usageText")}`,
    })
    .prepare(),
);

/** One image of an answer, unless it is there. */
export const insertImage = prepared((db) =>
  db
    .insert(images)
    .values({
      request_id: param("request_id"),
      call_number: param("call_number"),
      index: param("index"),
      url: param("url"),
      spool_file: param("spool_file"),
      expires_at: param("expires_at"),
    })
    .onConflictDoNothing()
    .prepare(),
);

/** All images are there: the next stage goes on. */
export const setCopying = prepared((db) => prepareProgress(db, { state: "copying", attempt: 0 }));
/** Images are missing: they are asked for again, and that was an attempt. */
export const setShort = prepared((db) =>
  prepareProgress(db, { state: "generating", attempt: sql`${requests.attempt} + 1` }),
);

function prepareProgress(db: Db, to: { state: "copying" | "generating"; attempt: SQL | number }) {
  return db
    .update(requests)
    .set({ ...to, error_code: null, error_message: null, updated_at: param("now") })
    .where(eq(requests.request_id, param("requestId")))
    .prepare();
}

/** The one call that is meant. */
export function isThis(call: Pick<Call, "request_id" | "number">) {
  return and(eq(calls.request_id, call.request_id), eq(calls.number, call.number));
}

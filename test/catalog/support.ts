// What the catalog's tests share: a catalog in a folder of its own, requests to put into it, and the steps of a life.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type Sqlite from "better-sqlite3";
import { onTestFinished } from "vitest";
import { type CatalogOptions, type OpenCatalog, openCatalog } from "../../src/catalog/catalog.ts";
import type { Call, NewAsset, RequestDetail } from "../../src/domain/records.ts";
import { parseSubmission, type Request, toRequest } from "../../src/domain/request/submission.ts";
import type { SubmissionInput } from "../../src/domain/request/submission-input.ts";
import type { AnswerRecord, CallFailure } from "../../src/pipeline/ports.ts";

/** A folder that is gone after the test. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "asset-archiver-catalog-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A catalog of this test alone, whose worker is known to live. */
export async function openTestCatalog(options: Partial<CatalogOptions> = {}): Promise<OpenCatalog> {
  const catalog = openCatalog({ file: join(testFolder(), "catalog.db"), ...options });
  onTestFinished(() => catalog.close());
  await catalog.register();
  return catalog;
}

/** A request as a producer would have made it; the seed is explicit only where it is named. */
export function request(id: string, fields: Partial<SubmissionInput> = {}): Request {
  const submission = parseSubmission({ prompt: "a red fox", ...fields });
  return toRequest(submission, { requestId: id, random: () => 0.5 });
}

/** Accepts a request under the job id of our own producers. */
export function accept(
  catalog: OpenCatalog,
  id: string,
  fields: Partial<SubmissionInput> = {},
): Promise<RequestDetail> {
  return catalog.accept(request(id, fields), { jobId: `req-${id}` });
}

/** Reserves a call that must be given. */
export async function reserve(catalog: OpenCatalog, id: string, call = { n: 1, seed: 7 }): Promise<Call> {
  const reservation = await catalog.reserveCall(id, call);
  if (reservation.kind !== "reserved") throw new Error(`Got ${reservation.kind}, wanted a call`);
  return reservation.call;
}

/** An answer with these images, each by its URL. */
export function answer(
  indexes: readonly number[],
  { complete = true, expires_at = 9_000_000_000_000 } = {},
): AnswerRecord {
  return {
    answer: { created: 1_750_000_000, images: [], usage: null, http_status: 200, api_request_id: "api-1" },
    images: indexes.map((index) => ({
      index,
      url: `https://images.test/${index}.png?sig=s`,
      spool_file: null,
      expires_at,
    })),
    expires_at,
    complete,
  };
}

export const FAILURE: CallFailure = {
  class: "transient",
  code: "http_503",
  message: "Cannot generate: overloaded",
  http_status: 503,
  api_request_id: "api-9",
  retry_after_ms: null,
};

const PHASH = "00000000ffffffff";

/** An asset whose digest is made of one letter. */
export function asset(letter: string): NewAsset {
  const digest = letter.repeat(64);
  const key = `images/${letter}${letter}/${digest}.png`;
  return { digest, key, bytes: 10, content_type: "image/png", width: 1, height: 1, archived_at: 5, phash: PHASH };
}

/** Takes a request all the way to `archived`. */
export async function archiveWhole(catalog: OpenCatalog, id: string, letter = "a"): Promise<void> {
  await catalog.answerCall(await reserve(catalog, id), answer([0]));
  await catalog.recordAsset({ request_id: id, index: 0 }, asset(letter));
  if (!(await catalog.finish(id, { state: "archived" }))) throw new Error(`Got no end of "${id}"`);
}

/** The request as it stands; it must be there. */
export async function found(catalog: OpenCatalog, id: string): Promise<RequestDetail> {
  const detail = await catalog.find(id);
  if (detail === undefined) throw new Error(`Got nothing for "${id}"`);
  return detail;
}

/** Makes many of the one row of a table, with another key each: `as` and `also` are SQL in which `i` counts from 1. */
export function multiplyRow(
  sqlite: Sqlite.Database,
  {
    times,
    table,
    key,
    as,
    also = {},
  }: { times: number; table: string; key: string; as: string; also?: Record<string, string> },
): void {
  const columns = sqlite.pragma(`table_info(${table})`) as { name: string; type: string; pk: number }[];
  // a number that is the whole key is SQLite's to give
  const isOneKey = columns.filter(({ pk }) => pk > 0).length === 1;
  const names = columns.filter(({ type, pk }) => !(isOneKey && pk > 0 && type === "INTEGER")).map(({ name }) => name);
  const values = names.map((name) => (name === key ? as : (also[name] ?? `"${name}"`)));
  sqlite.exec(`with recursive n(i) as (select 1 union all select i + 1 from n where i < ${times - 1})
    insert into ${table} (${names.map((name) => `"${name}"`).join(", ")}) select ${values.join(", ")} from n, ${table}`);
}

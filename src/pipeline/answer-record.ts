// From the API's answer to its record: which image has which index, and when its URL expires. Pure.

import type { Call, RequestDetail } from "../domain/records.ts";
import { missingIndexes } from "./missing.ts";
import type { Answer, AnswerRecord } from "./ports.ts";
import { urlExpiryMs } from "./url-expiry.ts";

/** The record, and the bytes that must be on disk before it is committed. */
export interface SpooledRecord extends AnswerRecord {
  spooled: { name: string; bytes: Buffer }[];
}

/** Images fill the missing indexes in the order of the answer. Surplus images were not requested and are dropped. */
export function toAnswerRecord(
  detail: RequestDetail,
  { call, answer, urlLifetimeMs }: { call: Call; answer: Answer; urlLifetimeMs: number },
): SpooledRecord {
  const expiryOfUrl = (url: string) => expiryOf(url, { createdMs: answer.created * 1000, urlLifetimeMs });
  const expiries = answer.images.flatMap(({ url }) => (url === undefined ? [] : [expiryOfUrl(url)]));
  const missing = missingIndexes(detail);
  const placed = missing.flatMap((index, order) => {
    const image = answer.images[order];
    return image === undefined ? [] : [{ index, image, name: `${call.request_id}.${call.number}.${index}` }];
  });
  return {
    answer,
    images: placed.map(({ index, image, name }) => ({
      index,
      url: image.url ?? null,
      spool_file: image.bytes === undefined ? null : name,
      expires_at: image.url === undefined ? null : expiryOfUrl(image.url),
    })),
    spooled: placed.flatMap(({ image, name }) => (image.bytes === undefined ? [] : [{ name, bytes: image.bytes }])),
    expires_at: expiries.length === 0 ? null : Math.min(...expiries),
    complete: placed.length === missing.length,
    refused: toRefused(answer, { came: placed.length, wanted: missing.length }),
  };
}

/** The earlier of two expiries: the provider's promise, and the URL's own. One before the answer is ignored. */
function expiryOf(url: string, { createdMs, urlLifetimeMs }: { createdMs: number; urlLifetimeMs: number }): number {
  const promised = createdMs + urlLifetimeMs;
  const own = urlExpiryMs(url);
  return own === undefined || own <= createdMs ? promised : Math.min(own, promised);
}

/** An image that was rejected for its content would be rejected again, so it is not requested and paid again. */
function toRefused(
  { refused }: Answer,
  { came, wanted }: { came: number; wanted: number },
): { code: string; message: string } | null {
  if (came === wanted || refused?.class !== "rejected") return null;
  return { code: refused.code, message: `${wanted - came} of ${wanted} images did not come. ${refused.message}` };
}

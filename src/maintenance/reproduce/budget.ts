// What re-making may cost: a number of images, or money at the price of an image. Pure.

import { imagesWithin } from "../../domain/batch.ts";
import { RejectedError } from "../../domain/errors.ts";
import { formatPrice, type Price, parsePrice } from "../../domain/units.ts";

/** How many images a budget buys. Throws a RejectedError that names the flag. */
export function toMaxImages(text: string, { flag, price }: { flag: string; price: Price | undefined }): number {
  if (/^\d{1,12}$/.test(text)) return Number(text);
  const budget = parsePrice(text);
  if (budget === undefined) throw wrong(flag, `wanted a number of images, or a price such as "2 USD", got "${text}"`);
  if (price === undefined)
    throw wrong(flag, `wanted PRICE_PER_IMAGE to be set, such as 0.02 USD, or a number of images, got "${text}"`);
  const images = imagesWithin(budget, price);
  if (images !== undefined) return images;
  throw wrong(flag, `wanted ${price.currency}, as PRICE_PER_IMAGE (${formatPrice(price)}) has it, got "${text}"`);
}

function wrong(flag: string, message: string): RejectedError {
  return new RejectedError(`${flag}: ${message}`, { code: "invalid_request", faults: [{ field: flag, message }] });
}

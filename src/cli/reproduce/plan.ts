// What re-making would cost, before anything is asked for.
import type { App } from "../../app/app.ts";
import { formatPrice } from "../../domain/units.ts";
import type { Original } from "../../maintenance/reproduce/ask.ts";
import { costOf } from "../../output/report/ledger.ts";
import { EXIT, printJson, writeError, writeOutput } from "../io.ts";
import { plain } from "../text.ts";

export interface Plan {
  originals: readonly Original[];
  /** The budget, in images; undefined where there is none. */
  maxImages: number | undefined;
}

/** Prints what would be asked for; asks for nothing. */
export function showPlan(app: App, plan: Plan & { json: boolean }): number {
  const requests = plan.originals.map(({ request_id, recipe, created_at }) => {
    return { request_id, n: recipe.n, model: recipe.model, created_at: new Date(created_at).toISOString() };
  });
  const images = imagesOf(plan);
  if (plan.json) {
    const price = costOf(images, app.settings.pricePerImage);
    printJson({ requests, images, price, max_images: plan.maxImages ?? null });
    return EXIT.done;
  }
  for (const { request_id, n, created_at } of requests) writeOutput(`${created_at}  n ${n}  ${plain(request_id)}`);
  writeOutput(`Would ask for ${cost(app, plan)}`);
  return EXIT.done;
}

/** Says on standard error what is asked for now. */
export function writeCost(app: App, plan: Plan): void {
  const budget = plan.maxImages === undefined ? "" : `; never for more than ${plan.maxImages} images`;
  writeError(`Asking for ${cost(app, plan)}${budget}`);
}

function cost(app: App, plan: Plan): string {
  const price = app.settings.pricePerImage;
  const images = imagesOf(plan);
  const requests = plan.originals.length;
  const money =
    price === undefined
      ? "PRICE_PER_IMAGE is not set"
      : formatPrice({ micros: price.micros * images, currency: price.currency });
  return `${images} image${images === 1 ? "" : "s"} by ${requests} request${requests === 1 ? "" : "s"} (${money})`;
}

function imagesOf({ originals }: Plan): number {
  return originals.reduce((sum, { recipe }) => sum + recipe.n, 0);
}

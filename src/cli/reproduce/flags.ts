// The flags of `catalog reproduce`: which of them go together. Pure.
import { RejectedError } from "../../domain/errors.ts";
import { submissionSchema } from "../../domain/request/submission.ts";

/** As they were typed. */
export interface ReproduceFlags {
  sample?: string;
  budget?: string;
  model?: string;
  collection: string;
  dryRun?: boolean;
  report?: boolean;
  json?: boolean;
}

/** What fits together. Throws a RejectedError `invalid_request` that names the flag. */
export function checkFlags(
  ids: readonly string[],
  { sample, report, budget, dryRun, model, collection }: ReproduceFlags,
): void {
  if ([ids.length > 0, sample !== undefined, report === true].filter(Boolean).length !== 1)
    throw wrong("catalog reproduce: wanted request ids, --sample or --report, one of them");
  if (report && (budget !== undefined || dryRun))
    throw wrong(`${budget === undefined ? "--dry-run" : "--budget"}: wanted without --report, which asks for nothing`);
  if (sample !== undefined && budget === undefined && !dryRun)
    throw wrong(
      '--sample: wanted --budget with it, such as 40 (images) or "2 USD"; --dry-run shows what it would cost',
    );
  if (model !== undefined && ids.length > 0) throw wrong("--model: wanted with --sample or --report only");
  if (!submissionSchema.shape.collection.safeParse(collection).success)
    throw wrong(`--collection: wanted 1 to 100 characters, got "${collection}"`);
}

/** A wrong use, told with the flag's name. */
export function wrong(message: string): RejectedError {
  return new RejectedError(message, { code: "invalid_request" });
}

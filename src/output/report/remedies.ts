// What to do about an item that failed, by the code of its failure: a retry cures only what can end otherwise. Pure.

/** What cures a failure: a retry, a change of the request, of the settings or the surroundings, or a person's decision. */
export type Cure = "retry" | "edit" | "fix" | "decide" | "run";

export interface Remedy {
  cure: Cure;
  /** One sentence for a person. */
  text: string;
}

const EDIT_AND_RUN = "change it in the manifest and run the manifest again";

/**
 * The first row that fits decides.
 *
 * | state or code | cure |
 * |---|---|
 * | cancelled | run the manifest again |
 * | refused by the content policy | edit: a retry is refused again |
 * | the request itself does not fit, or no such model | edit |
 * | the API key, the account, the address of the API | fix, then retry |
 * | the store, the disk, an address that must not be reached, a limit of ours | fix, then retry |
 * | parked, or the outcome of a call is unknown | decide: it may have been paid |
 * | the URL died, the bytes are lost or broken | retry, which is paid again |
 * | the API answered with trouble of its own until the attempts were used up | retry |
 */
const TABLE: readonly (Remedy & { codes: RegExp })[] = [
  { codes: /^cancelled$/, cure: "run", text: "run the manifest again to make them after all" },
  {
    codes:
      /content_?(policy|filter|moderation)|moderation|safety|sensitive|inappropriate|data_?inspection|policy_violation/i,
    cure: "edit",
    text: `the image API refuses the prompt, and would refuse it again: ${EDIT_AND_RUN}`,
  },
  {
    codes: /model_?not_?found|not_?found_?model|unknown_?model|invalid_?model/i,
    cure: "edit",
    text: `the image API has no such model: ${EDIT_AND_RUN}`,
  },
  {
    codes: /^http_40[137]$|api_?key|unauthori[sz]ed|authentication|permission|forbidden/i,
    cure: "fix",
    text: "check IMAGE_API_KEY and what it may do, then retry",
  },
  {
    codes: /^http_402$|balance|arrear|billing|overdue|payment|quota|credit/i,
    cure: "fix",
    text: "top up the account at the image API, then retry",
  },
  {
    codes: /^(not_the_api|unexpected_redirect|http_40[45])$/,
    cure: "fix",
    text: "check IMAGE_API_BASE_URL, then retry",
  },
  { codes: /^store_/, cure: "fix", text: "check the store with asset-archiver doctor, then retry" },
  { codes: /^(spool_failed|catalog_\w+)$/, cure: "fix", text: "check the disk with asset-archiver doctor, then retry" },
  { codes: /^decoded_too_large$/, cure: "edit", text: `no image of that size is decoded: ${EDIT_AND_RUN}` },
  {
    codes: /^decoder_died$/,
    cure: "decide",
    text: "its bytes are kept and end the process that decodes them; a retry decodes them once more, at no cost",
  },
  { codes: /^image_too_large$/, cure: "fix", text: "raise IMAGE_MAX_BYTES, then retry" },
  {
    codes: /^address_refused$/,
    cure: "fix",
    text: "name the host in PRIVATE_IMAGE_HOSTS where it is to be reached, then retry",
  },
  {
    codes: /^(url_expired|spool_lost|answer_broken|image_broken|not_an_image)$/,
    cure: "retry",
    text: "a retry calls for the same recipe again where the image cannot be fetched any more, which is paid again",
  },
  {
    codes: /^(attempts_exhausted|internal_error|empty_answer|not_json|error_in_answer|http_(408|409|425|429|5\d\d))$/,
    cure: "retry",
    text: "the image API was in trouble: a retry has all its attempts again",
  },
  {
    codes: /^(invalid_request|request_id_conflict|http_4\d\d)$|invalid|unsupported|not_?supported|bad_?request/i,
    cure: "edit",
    text: `the request does not fit, and would be refused again: ${EDIT_AND_RUN}`,
  },
];

const UNKNOWN_OUTCOME: Remedy = {
  cure: "decide",
  text: "it may have been paid: look at ledger --unknown, then retry or cancel it",
};

const OTHERWISE: Remedy = { cure: "retry", text: "a retry has all its attempts again" };

/** The remedy for an end of this code. */
export function remedyOf({ state, code }: { state: string; code: string }): Remedy {
  if (state === "parked") return UNKNOWN_OUTCOME;
  const row = TABLE.find(({ codes }) => codes.test(state === "cancelled" ? "cancelled" : code));
  return row === undefined ? OTHERWISE : { cure: row.cure, text: row.text };
}

/** Whether bringing such an item back can end otherwise as things stand. */
export function isCuredByRetry(end: { state: string; code: string }): boolean {
  const { cure } = remedyOf(end);
  return cure === "retry" || cure === "fix" || cure === "decide";
}

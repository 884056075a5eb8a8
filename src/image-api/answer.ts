// From the values of a body to an Answer, or to what it is instead. Pure. Lenient about the format: a recognizable image is
// paid and must not be lost. The reference format:
// {"created": 1750667997, "data": [{"url": "…", "b64_json": "data:image/png;base64,…"}], "usage": {…}}

import { toRecordable } from "../domain/request/bounded-json.ts";
import type { Answer } from "../pipeline/ports.ts";
import { unwrap } from "./answer-body.ts";
import { type ErrorWords, hasWords, readErrorWords } from "./error-body.ts";
import { type Fields, pick, toFields } from "./fields.ts";
import { type ImageSource, isImage, type LikelyKind, toImageSource } from "./image-source.ts";

/** The interpretation of a 2xx body. */
export type Reading =
  /** `refusals`: the errors of single missing images. */
  | { kind: "answer"; answer: Pick<Answer, "created" | "images" | "usage">; refusals?: ErrorWords[] }
  /** The list of images is empty. */
  | { kind: "empty" }
  /** No images, but an error of the call or of every image. */
  | { kind: "error" }
  /** Neither images nor an error: images may have been made and lost, or may still be pending. */
  | { kind: "malformed" };

export interface ReadingOptions {
  /** Replaces a missing or implausible `created`. */
  nowMs: number;
  /** The API's base URL, for relative URLs. */
  base?: string | undefined;
}

/** Reads a parsed body. */
export function readAnswer(json: unknown, options: ReadingOptions): Reading {
  const root = unwrap(json);
  const fields = toFields(root);
  const isPending = isTask(fields);
  const found = isPending || isPreview(fields) ? NOTHING : collect(root, { ...options, depth: 0, likely: "url" });
  // images beside an error are paid
  if (found.images.length > 0 && !(isBareAddress(fields) && isError(fields))) {
    const answer = {
      created: toCreated(root, options.nowMs),
      images: found.images,
      usage: toRecordable(fields?.get("usage")),
    };
    return { kind: "answer", answer, ...(found.refusals.length > 0 && { refusals: found.refusals }) };
  }
  if (isError(fields) || (Array.isArray(root) && root.some((one) => isError(toFields(one))))) return { kind: "error" };
  if (found.refusals.length > 0 && !isPending) return { kind: "error" };
  return { kind: isEmptyList(fields) ? "empty" : "malformed" };
}

/**
 * Reads a body of several values: the events of a stream, or JSON lines. Events with an image index have one image each;
 * without an index the last event has all of them.
 */
export function readAnswers(values: readonly unknown[], options: ReadingOptions): Reading {
  if (values.length === 1) return readAnswer(values[0], options);
  const readings = values.map((value) => ({ value, reading: readAnswer(value, options) }));
  const answers = readings.flatMap(({ value, reading }) =>
    reading.kind === "answer" ? [{ ...reading, index: indexOf(value) }] : [],
  );
  const last = answers.at(-1);
  const errors = readings.filter(({ reading }) => reading.kind === "error");
  if (last !== undefined) {
    const merged = mergeAnswers(answers, last);
    const refusals = [...(merged.refusals ?? []), ...errors.map(({ value }) => readErrorWords(value))];
    return refusals.length > 0 ? { ...merged, refusals } : merged;
  }
  // lines of URLs or base64, each an image
  const all = readAnswer([...values], options);
  if (all.kind === "answer") return all;
  return errors[0]?.reading ?? { kind: "malformed" };
}

type Answered = Extract<Reading, { kind: "answer" }> & { index: number | undefined };

function mergeAnswers(answers: readonly Answered[], last: Answered): Extract<Reading, { kind: "answer" }> {
  const indexed = new Map(answers.flatMap((one) => (one.index === undefined ? [] : [[one.index, one] as const])));
  const { index: _, ...whole } = last;
  if (indexed.size < 2 || last.index === undefined) return whole;
  const inOrder = [...indexed].toSorted(([one], [other]) => one - other);
  return { ...whole, answer: { ...whole.answer, images: inOrder.flatMap(([, { answer }]) => answer.images) } };
}

function indexOf(value: unknown): number | undefined {
  const index = pick(toFields(unwrap(value)), ["imageindex", "index"]);
  return typeof index === "number" && Number.isInteger(index) ? index : undefined;
}

interface FoundImages {
  images: ImageSource[];
  refusals: ErrorWords[];
}

interface SearchPosition {
  base?: string | undefined;
  depth: number;
  likely: LikelyKind;
}

const NOTHING: FoundImages = { images: [], refusals: [] };
const DEPTH_MAX = 10;
const ENTRIES_MAX = 100;

/** Fields of an image, by what they usually hold. */
const BYTES_FIELDS = [
  ...["b64json", "b64", "base64", "b64image", "imageb64", "imagebase64", "base64image", "base64data", "base64json"],
  ...["bytesbase64encoded", "imagebytes", "imagedata", "binarydatabase64", "inlinedata", "bytes"],
];
const URL_FIELDS = [
  ...["url", "imageurl", "imgurl", "image", "img", "signedurl", "downloadurl", "fileurl", "publicurl", "resulturl"],
  ...["cdnurl", "ossurl", "fullurl", "src", "uri", "fileuri", "link", "href", "path"],
];
/** Fields that contain images, the most likely first. */
const CONTAINERS = [
  ...["data", "images", "output", "outputs", "result", "results", "outputimages", "generatedimages", "imageurls"],
  ...["imageslist", "imagelist", "urls", "artifacts", "predictions", "files", "items", "list", "generations"],
  ...["response", "choices", "candidates", "message", "content", "parts", "taskresult", "body", "payload"],
];

function collect(given: unknown, place: SearchPosition): FoundImages {
  if (place.depth > DEPTH_MAX) return NOTHING;
  const value = unwrap(given);
  if (typeof value === "string") return fromText(value, place);
  if (Array.isArray(value)) return fromList(value, place);
  const fields = toFields(value);
  return fields === undefined ? NOTHING : fromObject(fields, { value, place });
}

function fromText(text: string, place: SearchPosition): FoundImages {
  const source = toImageSource(text, place) ?? fromMarkdown(text, place);
  return source === undefined ? NOTHING : { images: [source], refusals: [] };
}

/** How chat models return an image: `![a fox](https://…)`. */
function fromMarkdown(text: string, place: SearchPosition): ImageSource | undefined {
  const start = text.indexOf("](");
  if (start === -1 || !text.slice(0, start).includes("![")) return undefined;
  const end = text.indexOf(")", start);
  return end === -1 ? undefined : toImageSource(text.slice(start + 2, end).split(/\s/)[0] ?? "", place);
}

function fromList(list: readonly unknown[], place: SearchPosition): FoundImages {
  const bytes = toBytes(list);
  if (bytes !== undefined) return { images: [{ bytes }], refusals: [] };
  const found = list.slice(0, ENTRIES_MAX).map((entry) => collect(entry, { ...place, depth: place.depth + 1 }));
  return { images: found.flatMap(({ images }) => images), refusals: found.flatMap(({ refusals }) => refusals) };
}

/** A list of bytes, as a serialized buffer has them. */
function toBytes(list: readonly unknown[]): Buffer | undefined {
  if (list.length < 16 || typeof list[0] !== "number") return undefined;
  if (!list.every((byte) => Number.isInteger(byte) && (byte as number) >= 0 && (byte as number) < 256))
    return undefined;
  const bytes = Buffer.from(list as number[]);
  return isImage(bytes) ? bytes : undefined;
}

function fromObject(fields: Fields, { value, place }: { value: unknown; place: SearchPosition }): FoundImages {
  const image = readImage(fields, place);
  if (image !== undefined) return { images: [image], refusals: [] };
  const deeper = { ...place, depth: place.depth + 1 };
  const inside = CONTAINERS.map((name) => collect(fields.get(name), deeper));
  const full = inside.find(({ images }) => images.length > 0) ?? inside.find(({ refusals }) => refusals.length > 0);
  if (full !== undefined) return full;
  const nested = [...BYTES_FIELDS, ...URL_FIELDS].map((name) => collectNested(fields.get(name), { name, deeper }));
  const nestedFound = nested.find(({ images }) => images.length > 0) ?? collectNumbered(fields, deeper);
  if (nestedFound.images.length > 0) return nestedFound;
  // an error at the top is the call's, not an image's
  const words = place.depth === 0 ? undefined : refusalOf(value, fields);
  return words === undefined ? NOTHING : { images: [], refusals: [words] };
}

/** An image field that holds an object or a list: {"image_url": {"url": "…"}}. */
function collectNested(value: unknown, { name, deeper }: { name: string; deeper: SearchPosition }): FoundImages {
  if (typeof value !== "object" || value === null) return NOTHING;
  if (!Array.isArray(value) && name === "inlinedata") {
    const data = toFields(value)?.get("data");
    return typeof data === "string" ? fromText(data, { ...deeper, likely: "bytes" }) : NOTHING;
  }
  return collect(value, { ...deeper, likely: BYTES_FIELDS.includes(name) ? "bytes" : "url" });
}

/** {"0": {…}, "1": {…}}: a list serialized as an object. */
function collectNumbered(fields: Fields, deeper: SearchPosition): FoundImages {
  const names = [...fields.keys()];
  if (names.length === 0 || !names.every((name) => /^\d{1,3}$/.test(name))) return NOTHING;
  return fromList([...fields.values()], deeper);
}

/** The URL and bytes of an image, or undefined if it has neither. */
function readImage(fields: Fields, { base }: SearchPosition): ImageSource | undefined {
  const sources = (names: readonly string[], likely: LikelyKind) =>
    names.flatMap((name) => {
      const value = fields.get(name);
      return typeof value === "string" ? (toImageSource(value, { likely, base }) ?? []) : [];
    });
  const found = [...sources(BYTES_FIELDS, "bytes"), ...sources(URL_FIELDS, "url")];
  const bytes = found.find((source) => source.bytes !== undefined)?.bytes;
  const url = found.find((source) => source.url !== undefined)?.url;
  if (bytes === undefined && url === undefined) return undefined;
  return { ...(url !== undefined && { url }), ...(bytes !== undefined && { bytes }) };
}

/** Finish reasons of a single image that mean it was not made. */
const FILTERED = /filter|block|safety|moderat|prohibit|violat|sensitive|nsfw|reject|fail|error/i;

/** The error in an entry without an image. */
function refusalOf(value: unknown, fields: Fields): ErrorWords | undefined {
  const reason = pick(fields, [
    "finishreason",
    "failreason",
    "failurereason",
    "raifilteredreason",
    "status",
    "taskstatus",
  ]);
  const named = typeof reason === "string" && FILTERED.test(reason.slice(0, 200)) ? reason.slice(0, 200) : "";
  if (!isError(fields) && named === "") return undefined;
  const words = readErrorWords(value);
  const said = { ...words, code: words.code || named, message: words.message || named };
  return hasWords(said) ? said : undefined;
}

/** Recognize a success message outside an error object. */
const NOT_FINE = /fail|error|not |unable|cannot|refus|reject|denied|失败|错误|不/i;
const FINE =
  /^\W*(ok|okay|success|succe|done|complete|accept|queue|creat|submit|process|pending|成功|操作成功|请求成功|已提交)/i;
const FINE_CODES = /^(|0+|2\d\d|20000|ok|success\w{0,20}|succeed\w{0,10}|none|null|true)$/i;

/** Whether an object reports an error. */
function isError(fields: Fields | undefined): boolean {
  if (fields === undefined) return false;
  const named = ["error", "errors", "exception", "fault", "err"].map((name) => fields.get(name)).some(isGiven);
  if (named || isErrorNested(fields)) return true;
  if (isTask(fields)) return false;
  const denied = fields.get("success") === false || fields.get("ok") === false;
  const status = String(pick(fields, ["status", "state", "taskstatus"]) ?? "").slice(0, 50);
  if (denied || /^(fail|error|reject|cancel)/i.test(status)) return true;
  const code = pick(fields, ["code", "errorcode", "errcode", "errno", "statuscode", "retcode"]);
  const message = pick(fields, ["message", "msg", "errormessage", "errormsg", "errmsg", "detail", "errordescription"]);
  const isFine = typeof message === "string" && isFineText(message.slice(0, 200));
  if (typeof code === "number" || typeof code === "string")
    return !FINE_CODES.test(String(code).slice(0, 50)) && !isFine;
  // some gateways omit the envelope
  return typeof message === "string" && !isFine && (fields.get("data") ?? null) === null;
}

function isFineText(text: string): boolean {
  return FINE.test(text) && !NOT_FINE.test(text);
}

function isGiven(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return value !== undefined && value !== null && value !== false && value !== 0 && value !== "";
}

/** {"base_resp": {"status_code": 1026}}, {"ResponseMetadata": {"Error": …}}, {"output": {"code": …, "message": …}} */
function isErrorNested(fields: Fields): boolean {
  const base = toFields(fields.get("baseresp"));
  if (base !== undefined) return !FINE_CODES.test(String(pick(base, ["statuscode", "code"]) ?? "").slice(0, 50));
  if (["responsemetadata", "response"].some((name) => isGiven(toFields(fields.get(name))?.get("error")))) return true;
  const output = toFields(fields.get("output"));
  return output !== undefined && typeof output.get("message") === "string" && isGiven(output.get("code"));
}

const PENDING =
  /^(pending|queued|in_?queue|queuing|running|processing|in_?progress|starting|submitted|waiting|created)$/i;

/** Whether the images are pending: the answer is a task id. */
function isTask(fields: Fields | undefined): boolean {
  const places = [
    fields,
    toFields(fields?.get("output")),
    toFields(fields?.get("data")),
    toFields(fields?.get("result")),
  ];
  return places.some((place) => {
    const status = pick(place, ["taskstatus", "status", "state"]);
    if (typeof status === "string" && PENDING.test(status.slice(0, 50))) return true;
    const id = pick(place, ["taskid", "jobid", "statusurl", "responseurl", "pollingurl"]);
    return id !== undefined && status === undefined && pick(place, CONTAINERS) === undefined;
  });
}

/** Whether an event of a stream has a partial image. */
function isPreview(fields: Fields | undefined): boolean {
  const type = String(pick(fields, ["type", "event", "object"]) ?? "").slice(0, 100);
  return /partial_image/i.test(type) || fields?.has("partialimageindex") === true;
}

/** A URL at the top level, which next to an error is a link to documentation. */
function isBareAddress(fields: Fields | undefined): boolean {
  return (
    pick(
      fields,
      CONTAINERS.filter((name) => name !== "message" && name !== "content"),
    ) === undefined
  );
}

function isEmptyList(fields: Fields | undefined): boolean {
  const list = pick(fields, ["data", "images", "results", "output", "result"]);
  return Array.isArray(list) && list.length === 0;
}

const DAY_S = 24 * 60 * 60;

/**
 * `created` in seconds. The URLs' expiry is computed from it, so an implausible value (a constant, 0) would make live images
 * count as expired. The API's clock may be a day ahead or a month behind.
 */
function toCreated(root: unknown, nowMs: number): number {
  const now = Math.floor(nowMs / 1000);
  const fields = toFields(root);
  const places = [fields, ...["data", "result", "output", "response"].map((name) => toFields(fields?.get(name)))];
  const named = places.map((place) => pick(place, ["created", "createdat", "createtime", "timestamp"]));
  const created = toSeconds(named.find((value) => value !== undefined));
  if (created === undefined || !Number.isFinite(created)) return now;
  return created >= now - 30 * DAY_S && created <= now + DAY_S ? Math.floor(created) : now;
}

function toSeconds(value: unknown): number | undefined {
  if (typeof value === "string" && value.length < 40) {
    const ms = /^\d+(\.\d+)?$/.test(value) ? undefined : Date.parse(value);
    return ms === undefined ? toSeconds(Number(value)) : ms / 1000;
  }
  if (typeof value !== "number") return undefined;
  return value > 1e11 ? value / 1000 : value;
}

// What a name on the command line stands for: a request, an image by its digest or key, or a file that holds an image.
import { createHash } from "node:crypto";
import { createReadStream, statSync } from "node:fs";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import type { App } from "../app/app.ts";
import { RejectedError } from "../domain/errors.ts";
import type { Asset, RequestDetail } from "../domain/records.ts";
import { ORIGIN_WITHIN_BYTES, originOf } from "../output/export/origin.ts";

/** The words of `--help` on how an image is named. */
export const NAMING_HELP = `An image is named by its digest (six characters are enough where they fit one image only), by its key, or by any file
that holds a copy of it, whatever its name: the file is read and looked up by its digest.`;

/**
 * What was named. `asset` of a file is undefined where the catalog has no image with its bytes; `copyOf` is then the image
 * that the recipe inside the file names, if it carries one.
 */
export type Named =
  | { kind: "request"; detail: RequestDetail }
  | { kind: "asset"; asset: Asset }
  | { kind: "file"; path: string; asset: Asset | undefined; copyOf: Asset | undefined };

/**
 * | the name | stands for |
 * |---|---|
 * | of a request, or the key of its sidecar | that request |
 * | of a file | the image in it |
 * | the end of which is six digits of a digest or more | that image: a digest, or a key |
 *
 * Undefined where it is none of these. Throws a RejectedError `ambiguous_digest` where it fits several images.
 */
export async function findNamed(app: App, name: string): Promise<Named | undefined> {
  const detail = await app.catalog().find(idIn(name));
  if (detail !== undefined) return { kind: "request", detail };
  if (statSync(name, { throwIfNoEntry: false })?.isFile() === true)
    return { kind: "file", path: name, ...(await findFile(app, name)) };
  const asset = findAsset(app, name);
  return asset && { kind: "asset", asset };
}

// whatever stands before the key: a bucket, a folder
function idIn(name: string): string {
  return /(?:^|\/)requests\/\d{4}\/\d{2}\/\d{2}\/([^/]+)\.json$/.exec(name)?.[1] ?? name;
}

async function findFile(app: App, path: string): Promise<Record<"asset" | "copyOf", Asset | undefined>> {
  const { browse } = app.catalog();
  const asset = browse.asset(await digestOf(path));
  const origin = asset === undefined ? originOf(await beginningOf(path)) : undefined;
  return { asset, copyOf: origin === undefined ? undefined : browse.asset(origin) };
}

async function beginningOf(path: string): Promise<Buffer> {
  return buffer(createReadStream(path, { end: ORIGIN_WITHIN_BYTES - 1 }));
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

function findAsset(app: App, name: string): Asset | undefined {
  const [, digest] = /(?:^|\/)([0-9a-f]{6,64})(?:\.(?:png|jpg|webp))?$/i.exec(name) ?? [];
  if (digest === undefined) return undefined;
  const found = app.catalog().browse.assetsLike(digest.toLowerCase(), 2);
  if (found.length < 2) return found[0];
  throw new RejectedError(`"${name}" fits more than one image: give more of its digest`, { code: "ambiguous_digest" });
}

/** Fewer characters of a digest fit too many images, and too many other names. */
const DIGEST_MIN = 6;

/** The remark about a name that stands for nothing. */
export function describeUnknown(name: string, named: Named | undefined): string {
  if (named?.kind === "file") return `The catalog knows no image with the bytes of "${name}"`;
  const isShort = /^[0-9a-f]{1,5}$/i.test(name);
  const hint = isShort ? `; of a digest at least ${DIGEST_MIN} characters are wanted` : "";
  return `There is no request, no image and no file "${name}"${hint}`;
}

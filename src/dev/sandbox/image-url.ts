// The URLs of images: the picture's id, when it dies, and a signature over both.
// All that is needed to paint the image stands in its URL, so no memory is needed and a restart with the same secret
// leaves every URL alive.
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { type Picture, parsePictureId, toPictureId } from "./painting/picture.ts";

/** What a URL turned out to be worth. */
export type ImageUrlVerdict = { picture: Picture } | { status: 403 | 404; message: string };

/** Signs URLs and checks them. Without a secret one is drawn, and URLs live no longer than the process. */
export function createImageUrls(options: { secret?: string | undefined; now: () => number }) {
  const key = options.secret ?? randomBytes(32);
  const sign = (id: string, expires: string) => createHmac("sha256", key).update(`${id}\n${expires}`).digest("hex");
  return {
    /** The URL of a picture below `origin` (such as http://127.0.0.1:1234), alive until `expiresAt` (ms since 1970). */
    create(picture: Picture, place: { origin: string; expiresAt: number }): string {
      const id = toPictureId(picture);
      const expires = String(place.expiresAt);
      return `${place.origin}/images/${id}.png?expires=${expires}&signature=${sign(id, expires)}`;
    },
    /** The picture that a URL leads to, if it is one of ours and still alive. */
    check(url: URL): ImageUrlVerdict {
      const [, id = ""] = /^\/images\/([^/]+)\.png$/.exec(url.pathname) ?? [];
      const picture = parsePictureId(id);
      if (picture === undefined) return { status: 404, message: "There is no such image" };
      const expires = url.searchParams.get("expires") ?? "";
      if (!isSame(url.searchParams.get("signature") ?? "", sign(id, expires)))
        return { status: 403, message: "The signature does not match" };
      return Number(expires) > options.now() ? { picture } : { status: 403, message: "The URL has expired" };
    },
  };
}
export type ImageUrls = ReturnType<typeof createImageUrls>;

function isSame(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

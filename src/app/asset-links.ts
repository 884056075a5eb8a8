// The addresses of archived images on a server: absolute, below PUBLIC_URL with its path, signed where tokens are required.
import { type AssetLinks, assetPath, type LinkAsset } from "../output/report/asset-links.ts";
import type { UrlSigner } from "./url-signing.ts";

/** `base` is the address under which clients reach the server; its path, if any, stays. */
export function createAssetLinks({ base, signer }: { base: string; signer: UrlSigner | undefined }): LinkAsset {
  const link = (digest: string, form: "content" | "thumbnail") => {
    const query = signer === undefined ? "" : `?signature=${signer.sign(digest, form)}`;
    return urlBelow(base, assetPath(digest, form)) + query;
  };
  return (digest): AssetLinks => ({ url: link(digest, "content"), thumbnail_url: link(digest, "thumbnail") });
}

/** The URL of a path of ours below a base; the path of the base stays. */
export function urlBelow(base: string, path: string): string {
  return withoutTrailingSlashes(base) + path;
}

/** The path of PUBLIC_URL, which a proxy removes: "" or such as "/pictures". Paths in answers begin with it. */
export function publicPath(publicUrl: string | undefined): string {
  return publicUrl === undefined ? "" : withoutTrailingSlashes(new URL(publicUrl).pathname);
}

function withoutTrailingSlashes(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === "/") end -= 1;
  return text.slice(0, end);
}

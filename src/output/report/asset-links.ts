// Where an archived image is reached over HTTP: the two addresses that answers, webhooks and the client carry. Pure.
import type { ArchivedAsset } from "../../domain/records.ts";

/** Absolute addresses, signed where the server has API_TOKENS; null where no server's address is known. */
export interface AssetLinks {
  /** The bytes as they came. */
  url: string | null;
  /** A small WebP picture. */
  thumbnail_url: string | null;
}

/** From a digest to its addresses. */
export type LinkAsset = (digest: string) => AssetLinks;

/** An archived image as shown. */
export interface AssetView extends ArchivedAsset, AssetLinks {}

/** Where neither PUBLIC_URL nor a server is known. */
export const withoutLinks: LinkAsset = (_digest) => ({ url: null, thumbnail_url: null });

/** The path of an asset's bytes, and of its small picture, below the server's address. */
export function assetPath(digest: string, form: "content" | "thumbnail"): string {
  return `/v1/assets/${digest}/${form}`;
}

// The addresses in answers: absolute ones of assets, and paths that a proxy in front of us leads back here.
import type { LinkAsset } from "../output/report/asset-links.ts";
import type { ServerContext } from "./context.ts";

/** The addresses of assets for the caller who used `url`: below PUBLIC_URL, else on the host that the caller named. */
export function linksFor({ app }: ServerContext, url: string): LinkAsset {
  return app.linksAt(url.slice(0, url.indexOf("/", url.indexOf("//") + 2)));
}

/** Where a request is found: the path of `Location`. */
export function locationOf({ publicPath }: ServerContext, requestId: string): string {
  return `${publicPath}/v1/requests/${encodeURIComponent(requestId)}`;
}

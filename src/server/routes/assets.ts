// Assets: what is archived, and to which requests it belongs.
import type { Asset } from "../../domain/records.ts";
import { assetPath } from "../../output/report/asset-links.ts";
import type { Http, RequestVariables, ServerContext } from "../context.ts";
import { HttpError } from "../http-error.ts";
import { linksFor } from "../links.ts";
import { addRoute, jsonOf, parseQuery } from "../route.ts";
import { searchQuery, toSearchQuery } from "../search-query.ts";

/** An asset may be shared by thousands of requests; so many of them are named. */
const IMAGES_SHOWN = 100;

export function addAssetRoutes(http: Http, context: ServerContext): void {
  addRoute(
    http,
    {
      method: "get",
      path: "/v1/assets",
      summary: "Search the assets by what they are and what made them, or leaf through them; each comes once",
      query: searchQuery,
      answers: { 200: jsonOf("AssetPage", "a page") },
    },
    (c) => list(context, c),
  );
  addRoute(
    http,
    {
      method: "get",
      path: "/v1/assets/{digest}",
      summary: "Show an asset and the requests it belongs to (at most 100)",
      answers: { 200: jsonOf("AssetDetail", "the asset") },
    },
    (c) => show(context, c),
  );
}

function list(context: ServerContext, c: RequestVariables): Response {
  const { app } = context;
  const query = parseQuery(c, searchQuery);
  const { sort, limit, cursor } = query;
  const page = app.catalog().searchAssets(toSearchQuery(query), { sort, limit, cursor });
  return c.json({
    data: page.items.map((asset) => toAssetView(context, c, asset)),
    next_cursor: page.next,
    complete: page.complete,
  });
}

function show(context: ServerContext, c: RequestVariables): Response {
  const asset = findAsset(context, c.req.param("digest"));
  const images = context.app.catalog().browse.imagesOf(asset.digest, IMAGES_SHOWN);
  return c.json({ ...toAssetView(context, c, asset), images });
}

/** The asset of a digest. Throws HttpError 404, or 410 for one that was removed on purpose. */
export function findAsset({ app }: ServerContext, digest = ""): Asset {
  const asset = /^[0-9a-f]{64}$/.test(digest) ? app.catalog().browse.asset(digest) : undefined;
  if (asset !== undefined && app.catalog().edits.isErased(digest)) {
    const message = `Asset "${digest}" was removed: nobody wanted it any more`;
    throw new HttpError(410, { code: "asset_erased", message, param: digest });
  }
  if (asset !== undefined) return asset;
  const message = `There is no asset "${digest.slice(0, 100)}"; wanted the SHA-256 of an archived image in lower-case hex`;
  throw new HttpError(404, { code: "asset_not_found", message });
}

function toAssetView(context: ServerContext, c: RequestVariables, asset: Asset) {
  const { digest, key, bytes, content_type, width, height } = asset;
  return {
    digest,
    key,
    bytes,
    content_type,
    width,
    height,
    archived_at: new Date(asset.archived_at).toISOString(),
    content_url: context.publicPath + assetPath(digest, "content"),
    ...linksFor(context, c.req.url)(digest),
  };
}

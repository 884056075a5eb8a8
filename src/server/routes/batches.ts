// The report of a batch as a page: as it stands now, with links that open the images.
import { createAssetLinks } from "../../app/asset-links.ts";
import { renderReport } from "../../batches/run/report.ts";
import type { Http, RequestVariables, ServerContext } from "../context.ts";
import { HttpError } from "../http-error.ts";
import { addRoute } from "../route.ts";

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'";

export function addBatchPage(http: Http, context: ServerContext): void {
  addRoute(
    http,
    {
      method: "get",
      path: "/batches/{id}",
      summary: "The report of a batch, as a page",
      answers: { 200: { description: "the page", content: { "text/html": { schema: { type: "string" } } } } },
    },
    (c) => show(context, c),
  );
}

async function show({ app, tokens, signer }: ServerContext, c: RequestVariables): Promise<Response> {
  const id = c.req.param("id") ?? "";
  const batch = app.catalog().batches.find(id);
  if (batch === undefined)
    throw new HttpError(404, {
      code: "batch_not_found",
      message: `There is no batch "${id.slice(0, 200)}"`,
      param: id,
    });
  // relative, so that the page works under each address that leads here
  const link = createAssetLinks({ base: "..", signer: tokens.required ? signer : undefined });
  const html = await renderReport(app, batch, ({ digest }) => link(digest).url ?? undefined);
  return c.body(html, 200, {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
  });
}

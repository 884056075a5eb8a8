// The routes, put together: guards first, then what is there, then an answer for what is not.
import { OpenAPIHono } from "@hono/zod-openapi";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Http, HttpEnv, RequestVariables, ServerContext } from "./context.ts";
import { addGuards } from "./guards.ts";
import { HttpError } from "./http-error.ts";
import { createDocument, registerSchemas } from "./openapi.ts";
import { addActionRoute } from "./routes/actions.ts";
import { addAssetRoutes } from "./routes/assets.ts";
import { addBatchPage } from "./routes/batches.ts";
import { addBulkRoute } from "./routes/bulk.ts";
import { addContentRoute, addThumbnailRoute } from "./routes/content.ts";
import { addImagesRoute } from "./routes/images.ts";
import { addPage } from "./routes/page.ts";
import { addRequestRoutes } from "./routes/requests.ts";
import { addServerRoutes } from "./routes/server.ts";
import { toHttpError } from "./to-http-error.ts";

/** Everything the server answers. */
export function createHttpApp(context: ServerContext): Http {
  const http = new OpenAPIHono<HttpEnv>();
  registerSchemas(http);
  addGuards(http, context);
  addBulkRoute(http, context);
  addRequestRoutes(http, context);
  addActionRoute(http, context);
  addAssetRoutes(http, context);
  addContentRoute(http, context);
  addThumbnailRoute(http, context);
  addImagesRoute(http, context);
  addServerRoutes(http, {
    context,
    document: () => createDocument(http, { secured: context.tokens.required, publicPath: context.publicPath }),
  });
  addPage(http);
  addBatchPage(http, context);
  addRefusals(http, context);
  return http;
}

function addRefusals(http: Http, context: ServerContext): void {
  // after all routes: a path that is known, by a method that is not
  const methods = Map.groupBy(
    http.routes.filter((route) => route.method !== "ALL"),
    (route) => route.path,
  );
  for (const [path, routes] of methods) {
    const allow = [...new Set(routes.flatMap(({ method }) => (method === "GET" ? ["GET", "HEAD"] : [method])))].join(
      ", ",
    );
    http.all(path, (c) => {
      const message = `Cannot ${c.req.method.slice(0, 20)} ${c.req.path.slice(0, 200)}: wanted ${allow}`;
      throw new HttpError(405, { code: "method_not_allowed", message, headers: { allow } });
    });
  }
  http.notFound((c) => {
    const message = `There is nothing at ${c.req.path.slice(0, 200)}; /openapi.json says what there is`;
    return refuse(context, c, new HttpError(404, { code: "not_found", message }));
  });
  http.onError((error, c) => refuse(context, c, error));
}

function refuse(context: ServerContext, c: RequestVariables, thrown: unknown): Response {
  const exchange = { exchangeId: c.get("exchangeId") ?? "", method: c.req.method, path: c.req.path };
  const { status, body, headers } = toHttpError(context, exchange, thrown);
  return c.json(body, status as ContentfulStatusCode, { ...headers });
}

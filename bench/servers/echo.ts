// The framework by itself: one route that answers with the JSON that it was sent.
import { serve } from "@hono/node-server";
import { Hono } from "hono";

const http = new Hono();
http.post("/v1/requests", async (c) => c.json(await c.req.json(), 202));
serve({ fetch: http.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => process.send?.({ port }));
process.once("disconnect", () => process.exit());

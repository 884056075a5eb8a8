// Actions on many requests at once. A dry run says how many and what it costs.

import { retryMany } from "../../app/retry-many.ts";
import { RejectedError } from "../../domain/errors.ts";
import { toFaults } from "../../domain/request/faults.ts";
import { describeFaults, requireExact } from "../../domain/request/submission.ts";
import type { Http, RequestVariables, ServerContext } from "../context.ts";
import { readJson } from "../json-body.ts";
import { schemaRef } from "../openapi.ts";
import { addRoute, jsonOf } from "../route.ts";
import { actionSchema } from "../schemas.ts";

export function addActionRoute(http: Http, context: ServerContext): void {
  addRoute(
    http,
    {
      method: "post",
      path: "/v1/actions",
      summary: "Act on all requests that a filter finds; with `dry_run`, say how many and what it costs",
      body: { "application/json": { schema: schemaRef("Action") } },
      answers: { 200: jsonOf("ActionResult", "what was done, or would be") },
    },
    (c) => act(context, c),
  );
}

async function act({ app }: ServerContext, c: RequestVariables): Promise<Response> {
  const data = requireExact(await readJson(c.env.incoming), () => []);
  const parsed = actionSchema.safeParse(data);
  if (!parsed.success) {
    const faults = toFaults(parsed.error, data, Object.keys(actionSchema.shape));
    throw new RejectedError(describeFaults(faults), { code: "invalid_request", faults });
  }
  const { filter, dry_run = false } = parsed.data;
  return c.json(await retryMany(app, filter, { dryRun: dry_run }));
}

// What goes over the wire: the body of an event, and headers after https://www.standardwebhooks.com. Pure.
import { Webhook as Signer } from "standardwebhooks";
import type { RequestDetail, Webhook } from "../domain/records.ts";
import type { LinkAsset } from "../output/report/asset-links.ts";
import { type RequestView, toRequestView } from "../output/report/request-view.ts";

/** The body. `data` is the request as it is when the message goes out; `timestamp` is when it ended. */
export interface WebhookBody {
  type: `request.${Webhook["event"]}`;
  timestamp: string;
  data: Omit<RequestView, "webhook">;
}

export interface WebhookMessage {
  body: string;
  headers: Record<string, string>;
}

/** The message of one try. With several secrets it is signed with each; with none it is not signed. */
export function toWebhookMessage(
  { webhook, detail }: { webhook: Webhook; detail: RequestDetail },
  { secrets, nowMs, link }: { secrets: readonly string[]; nowMs: number; link: LinkAsset },
): WebhookMessage {
  const { webhook: _, ...data } = toRequestView(detail, link);
  const timestamp = new Date(webhook.created_at).toISOString();
  const body: WebhookBody = { type: `request.${webhook.event}`, timestamp, data };
  return signMessage({ id: webhook.event_id, body: JSON.stringify(body) }, { secrets, nowMs });
}

/** Any body as a message, with the headers of the specification. */
export function signMessage(
  { id, body }: { id: string; body: string },
  { secrets, nowMs }: { secrets: readonly string[]; nowMs: number },
): WebhookMessage {
  const at = new Date(nowMs);
  const signatures = secrets.map((secret) => new Signer(secret).sign(id, at, body));
  return {
    body,
    headers: {
      "content-type": "application/json",
      "user-agent": "asset-archiver",
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(nowMs / 1000)),
      ...(signatures.length === 0 ? {} : { "webhook-signature": signatures.join(" ") }),
    },
  };
}

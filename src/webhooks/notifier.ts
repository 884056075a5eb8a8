// Hurries what the catalog has to tell: the events of a request that has just ended go into the queue at once.
import { levelOf, toMessage } from "../domain/errors.ts";
import type { Catalog, Log, Notifier } from "../pipeline/ports.ts";

export interface NotifierOptions {
  catalog: Pick<Catalog, "find">;
  /** Adds jobs; one that is there already is left alone. */
  add(eventIds: readonly string[]): Promise<void>;
  log: Log;
}

/** Never throws: an event is on record, and what the queue does not hear now it hears from the workers' upkeep. */
export function createNotifier({ catalog, add, log }: NotifierOptions): Notifier {
  return {
    async notify({ request_id, webhook_url }) {
      if (webhook_url === null) return;
      try {
        const pending = (await catalog.find(request_id))?.webhooks.filter(({ state }) => state === "pending") ?? [];
        await add(pending.map(({ event_id }) => event_id));
      } catch (error) {
        log[levelOf(error)]({ request_id, error: toMessage(error) }, "the webhook goes out later");
      }
    },
  };
}

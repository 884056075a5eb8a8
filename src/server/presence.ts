// What a server says about itself in the catalog while it runs, and whether its queues are still this installation's.
import type { App } from "../app/app.ts";
import { isForeignInstallation, requireOwnQueues } from "../app/installation.ts";
import { HEARTBEAT_MS } from "../catalog/calls/workers.ts";
import { type ConfigError, toMessage } from "../domain/errors.ts";

export interface Presence {
  /** Resolves, while the server runs, to why it must not go on. */
  readonly displaced: Promise<ConfigError>;
  stop(): Promise<void>;
}

/** Registers this server, and repeats that it lives until it is stopped. */
export async function startPresence(app: App): Promise<Presence> {
  const registration = await app.catalog().registerServer();
  const { promise: displaced, resolve } = Promise.withResolvers<ConfigError>();
  const beat = async () => {
    await registration.beat();
    await requireOwner(app);
  };
  const timer = setInterval(() => {
    beat().catch((error: unknown) => {
      if (isForeignInstallation(error)) resolve(error);
      else app.log.debug({ error: toMessage(error) }, "cannot say that this server lives; it is tried again");
    });
  }, HEARTBEAT_MS);
  timer.unref();
  return {
    displaced,
    stop: async () => {
      clearInterval(timer);
      await registration
        .markStopped()
        .catch((error) => app.log.warn({ error: toMessage(error) }, "cannot record that this server has stopped"));
    },
  };
}

async function requireOwner(app: App): Promise<void> {
  const id = app.catalog().installationId();
  if (id === undefined) return;
  const { installation: key } = await app.queues();
  await requireOwnQueues(app.settings, { key, id });
}

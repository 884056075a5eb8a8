// The key that says which installation the queues under a prefix belong to.
import type { Redis } from "ioredis";

export interface InstallationKey {
  /** The installation that has the queues, or null where nobody has claimed them. */
  read(): Promise<string | null>;
  /** Claims the queues where nobody has; resolves to the installation that has them in the end. */
  claim(id: string): Promise<string>;
  /** Takes the queues over, whoever has them. */
  take(id: string): Promise<void>;
}

/** The key `<prefix>:installation`. It never expires; an emptied Redis is claimed again by the owner of the catalog. */
export function createInstallationKey(redis: Redis, prefix: string): InstallationKey {
  const key = `${prefix}:installation`;
  return {
    read: () => redis.get(key),
    claim: async (id) => {
      await redis.setnx(key, id);
      return (await redis.get(key)) ?? id;
    },
    take: async (id) => void (await redis.set(key, id)),
  };
}

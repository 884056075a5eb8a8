// One installation, one truth: catalog, queues and store carry the same id, and whatever meets another one refuses, names
// both, and says what to do. A catalog that is gone beside a full store is never taken for a new installation.
import { randomUUID } from "node:crypto";
import type { OpenCatalog } from "../catalog/catalog.ts";
import { catalogExists } from "../catalog/db/migrate.ts";
import { ConfigError, toMessage } from "../domain/errors.ts";
import type { Clock, Log, Store } from "../pipeline/ports.ts";
import type { InstallationKey } from "../queue/installation-key.ts";
import { holdsArchive, readInstallationFile, writeInstallationFile } from "../storage/installation-file.ts";

/** Where the parts of an installation are. */
export interface InstallationPlaces {
  catalogFile: string;
  redisUrl: string;
  queuePrefix: string;
  catalog(): OpenCatalog;
  store(): Store;
  mirror(): Store | undefined;
  /** The key beside the queues, on a connection that has claimed nothing yet. Fails where Redis is away. */
  key(): Promise<InstallationKey>;
  clock: Pick<Clock, "now">;
  log: Pick<Log, "warn" | "info">;
}

export interface PrepareOptions {
  /** Begins a new catalog although the store or the queues belong to an installation already, whose id it takes. */
  newCatalog?: boolean;
  /** Makes queues, store and mirror belong to this catalog, whoever had them. */
  adopt?: boolean;
  /** Whether store and mirror are asked when the catalog has an id already. Default: yes. */
  checkStore?: boolean;
}

/** How long a store is asked which installation it belongs to, in ms: one that does not answer is asked again later. */
const STORE_TIMEOUT_MS = 10_000;

/** What is known about a place; `unknown` is one that could not be asked. */
type Holder = { id: string | undefined; holdsArchive: boolean } | "unknown";

/**
 * Makes sure that catalog, queues and store belong together, and claims what nobody has; resolves to the installation's
 * id. Throws ConfigError `installation_mismatch` for a foreign part, `catalog_missing` for a catalog that is gone.
 *
 * | catalog | store | queues | |
 * |---|---|---|---|
 * | id A | A or none | A or none | go on, claim what has none |
 * | id A | B | any | refuse |
 * | id A | any | B | refuse |
 * | rows, no id (of an older version) | none | none | a new id for all |
 * | rows, no id | B | B or none | refuse: it may be another archive's, or an old backup |
 * | missing or empty | none, no images | none | a new id for all |
 * | missing or empty | B, or images | any | refuse: it is lost or misnamed |
 * | missing or empty | none, no images | B | refuse |
 */
export async function prepareInstallation(places: InstallationPlaces, options: PrepareOptions = {}): Promise<string> {
  const { adopt = false, checkStore = true } = options;
  const known = knownId(places);
  const id = known ?? (await chooseId(places, options));
  // committed first: from now on it is this catalog that the other places are compared with
  const own = known ?? (await places.catalog().claimInstallation(id));
  if (checkStore || known === undefined || adopt) await checkStores(places, { id: own, adopt });
  await claimQueues(places, { id: own, adopt });
  return own;
}

function knownId({ catalogFile, catalog }: InstallationPlaces): string | undefined {
  return catalogExists(catalogFile) ? catalog().installationId() : undefined;
}

/** The id for a catalog that has none. */
async function chooseId(places: InstallationPlaces, { newCatalog, adopt }: PrepareOptions): Promise<string> {
  const store = await holderOfStore(places);
  const queues = await holderOfQueues(places);
  const named = [store, queues].flatMap((holder) => (holder === "unknown" ? [] : (holder.id ?? [])));
  const claimed = named.length > 0 || (store !== "unknown" && store.holdsArchive);
  // another process may have made the catalog just now, and claimed the others after it
  const id = knownId(places);
  if (id !== undefined) return id;
  const isNew = !catalogExists(places.catalogFile) || places.catalog().isEmpty();
  const upgrades = !isNew && named.length === 0;
  if (claimed && !upgrades && !newCatalog && !adopt) throw unclaimed(places, { isNew, store, queues });
  return named[0] ?? randomUUID();
}

async function holderOfStore({ store, log }: InstallationPlaces): Promise<Holder> {
  try {
    const options = { signal: AbortSignal.timeout(STORE_TIMEOUT_MS) };
    const id = await readInstallationFile(store(), options);
    return { id, holdsArchive: id !== undefined || (await holdsArchive(store(), options)) };
  } catch (error) {
    if (error instanceof ConfigError && error.code === "installation_unreadable") throw error;
    log.warn({ error: toMessage(error) }, "cannot ask the store which installation it belongs to");
    return "unknown";
  }
}

async function holderOfQueues({ key, log }: InstallationPlaces): Promise<Holder> {
  try {
    return { id: (await (await key()).read()) ?? undefined, holdsArchive: false };
  } catch (error) {
    log.warn({ error: toMessage(error) }, "cannot ask Redis which installation the queues belong to");
    return "unknown";
  }
}

export interface StoreClaim {
  id: string;
  /** Writes this id over whatever stands there. */
  adopt?: boolean;
  /** Writes it where none stands. Default: yes. */
  claim?: boolean;
  signal?: AbortSignal;
}

/** Store and mirror: each is this installation's, or nobody's and claimed now. One that is away is asked again later. */
export async function checkStores(
  places: Pick<InstallationPlaces, "catalogFile" | "store" | "mirror" | "clock" | "log">,
  { id, adopt = false, claim = true, signal }: StoreClaim,
): Promise<void> {
  const { store, mirror, log } = places;
  for (const [setting, open] of [
    ["STORAGE_URL", store],
    ["MIRROR_URL", mirror],
  ] as const) {
    const opened = open();
    if (opened === undefined) continue;
    try {
      const inTime = AbortSignal.any([AbortSignal.timeout(STORE_TIMEOUT_MS), ...(signal ? [signal] : [])]);
      await checkStore(places, { setting, store: opened, id, adopt, claim, signal: inTime });
    } catch (error) {
      if (adopt || isForeignInstallation(error)) throw error;
      log.warn({ setting, error: toMessage(error) }, "cannot ask the store which installation it belongs to");
    }
  }
}

interface StoreCheck {
  setting: "STORAGE_URL" | "MIRROR_URL";
  store: Store;
  id: string;
  adopt: boolean;
  claim: boolean;
  signal: AbortSignal;
}

async function checkStore(
  { catalogFile, clock }: Pick<InstallationPlaces, "catalogFile" | "clock">,
  { setting, store, id, adopt, claim, signal }: StoreCheck,
): Promise<void> {
  const holder = adopt ? undefined : await readInstallationFile(store, { signal });
  if (holder === id) return;
  if (holder !== undefined) throw foreignStore({ setting, location: store.locate(""), holder, catalogFile, id });
  if (claim) await writeInstallationFile(store, { id, now: clock.now(), signal });
}

/** Without Redis nothing can be claimed, and nothing be done either: then it is claimed with the next connection. */
async function claimQueues(places: InstallationPlaces, { id, adopt }: { id: string; adopt: boolean }): Promise<void> {
  let key: InstallationKey;
  try {
    key = await places.key();
  } catch (error) {
    if (adopt || isForeignInstallation(error)) throw error;
    return;
  }
  if (adopt) await key.take(id);
  else await requireOwnQueues(places, { key, id });
}

/** Claims queues that nobody has. Throws ConfigError `installation_mismatch` where another installation has them. */
export async function requireOwnQueues(
  { redisUrl, queuePrefix, catalogFile }: Pick<InstallationPlaces, "redisUrl" | "queuePrefix" | "catalogFile">,
  { key, id }: { key: InstallationKey; id: string },
): Promise<void> {
  const holder = await key.claim(id);
  if (holder === id) return;
  const message = `the queues belong to installation ${holder}, this catalog to installation ${id}`;
  throw mismatch(
    `Cannot use the queues of prefix "${queuePrefix}" in Redis at ${withoutUser(redisUrl)}: they belong to installation ${holder}, and the catalog "${catalogFile}" to installation ${id}. ` +
      "Set another QUEUE_PREFIX, or name the catalog of those queues in CATALOG_URL; to take the queues over for this catalog: asset-archiver migrate --adopt",
    { field: "QUEUE_PREFIX", message },
  );
}

function foreignStore(found: {
  setting: string;
  location: string;
  holder: string;
  catalogFile: string;
  id: string;
}): ConfigError {
  const { setting, location, holder, catalogFile, id } = found;
  return mismatch(
    `Cannot use the store ${location}: it belongs to installation ${holder}, and the catalog "${catalogFile}" to installation ${id}. ` +
      `Set another ${setting}, or name the catalog of that store in CATALOG_URL (asset-archiver catalog rebuild makes it from the store); to take the store over for this catalog: asset-archiver migrate --adopt`,
    { field: setting, message: `the store belongs to installation ${holder}, this catalog to installation ${id}` },
  );
}

const ADVICE =
  "Name the right file in CATALOG_URL, restore a backup of it, or make it again from the store: asset-archiver catalog rebuild";

function unclaimed(
  places: InstallationPlaces,
  { isNew, store, queues }: { isNew: boolean; store: Holder; queues: Holder },
): ConfigError {
  const found = describeHolders(places, { store, queues });
  const holdsImages = store !== "unknown" && store.holdsArchive;
  if (isNew && holdsImages)
    return missing(places, {
      found,
      advice: `${ADVICE}. To begin a new catalog beside what is there: --new-catalog`,
    });
  const state = isNew ? "is new" : "has no installation id yet";
  return mismatch(
    `Cannot use the catalog "${places.catalogFile}": it ${state}, and ${found}. ` +
      "Set another QUEUE_PREFIX and STORAGE_URL, or name the right catalog in CATALOG_URL; to take them over for this catalog: asset-archiver migrate --adopt",
    { field: "CATALOG_URL", message: `it ${state}, and ${found}` },
  );
}

function describeHolders(
  { store, queuePrefix, redisUrl }: Pick<InstallationPlaces, "store" | "queuePrefix" | "redisUrl">,
  holders: { store: Holder; queues: Holder },
): string {
  const said: string[] = [];
  const location = store().locate("");
  if (holders.store !== "unknown" && holders.store.id !== undefined)
    said.push(`the store ${location} belongs to installation ${holders.store.id}`);
  else if (holders.store !== "unknown" && holders.store.holdsArchive)
    said.push(`the store ${location} holds an archive`);
  if (holders.queues !== "unknown" && holders.queues.id !== undefined)
    said.push(
      `the queues of prefix "${queuePrefix}" in Redis at ${withoutUser(redisUrl)} belong to installation ${holders.queues.id}`,
    );
  return said.join(", and ");
}

/** Why there is no catalog: nothing was ever archived here (`isNew`), or it is lost or misnamed. */
export interface MissingCatalog {
  isNew: boolean;
  error: ConfigError;
}

/** The error for a command that reads: there is no catalog, and what stands in the other places. */
export async function explainMissingCatalog(places: InstallationPlaces): Promise<MissingCatalog> {
  const [store, queues] = await Promise.all([holderOfStore(places), holderOfQueues(places)]);
  const found = describeHolders(places, { store, queues });
  const isNew = found === "";
  const advice = isNew ? "The first worker, serve, enqueue, bulk or migrate makes it" : ADVICE;
  return { isNew, error: missing(places, { found, advice }) };
}

function missing(
  { catalogFile }: Pick<InstallationPlaces, "catalogFile">,
  { found, advice }: { found: string; advice: string },
): ConfigError {
  const beside = found === "" ? "" : `, but ${found}`;
  return new ConfigError(`There is no catalog at "${catalogFile}" (CATALOG_URL)${beside}. ${advice}`, {
    code: "catalog_missing",
    faults: [{ field: "CATALOG_URL", message: `there is no catalog${beside}` }],
  });
}

function mismatch(message: string, fault: { field: string; message: string }): ConfigError {
  return new ConfigError(message, { code: "installation_mismatch", faults: [fault] });
}

/** Whether an error says that another installation was met. */
export function isForeignInstallation(error: unknown): error is ConfigError {
  return error instanceof ConfigError && error.code === "installation_mismatch";
}

function withoutUser(redisUrl: string): string {
  const url = URL.parse(redisUrl);
  return url === null ? "REDIS_URL" : `${url.protocol}//${url.host}${url.pathname === "/" ? "" : url.pathname}`;
}

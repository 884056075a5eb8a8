// A client whose code is loaded at its first use, so that creating one is quick and loads only the way that is taken.
import { RejectedError } from "../domain/errors.ts";
import type { RequestView } from "../output/report/request-view.ts";
import type { Client, HttpClient, KnownRequest } from "./contract.ts";

/** The same client, once it is loaded. A client that was never used closes without being loaded. */
export function createLateClient<Found extends KnownRequest>(load: () => Promise<Client<Found>>): Client<Found> {
  return createLate<Found, Client<Found>>(load).client;
}

/** The same for one that speaks HTTP. */
export function createLateHttpClient(load: () => Promise<HttpClient>): HttpClient {
  const { client, loaded } = createLate<RequestView, HttpClient>(load);
  return {
    ...client,
    status: async (...args) => (await loaded()).status(...args),
    explainWait: async (...args) => (await loaded()).explainWait(...args),
  };
}

function createLate<Found extends KnownRequest, Loaded extends Client<Found>>(load: () => Promise<Loaded>) {
  let loading: Promise<Loaded> | undefined;
  let closed = false;
  const loaded = () => {
    if (closed) throw new RejectedError("This client is closed", { code: "client_closed" });
    loading ??= load();
    return loading;
  };
  const client: Client<Found> = {
    enqueue: async (...args) => (await loaded()).enqueue(...args),
    enqueueBulk: async function* (...args) {
      yield* (await loaded()).enqueueBulk(...args);
    },
    get: async (...args) => (await loaded()).get(...args),
    wait: async (...args) => (await loaded()).wait(...args),
    cancel: async (...args) => (await loaded()).cancel(...args),
    retry: async (...args) => (await loaded()).retry(...args),
    find: async function* (...args) {
      yield* (await loaded()).find(...args);
    },
    fetchAsset: async (...args) => (await loaded()).fetchAsset(...args),
    streamAsset: async (...args) => (await loaded()).streamAsset(...args),
    close: async () => {
      closed = true;
      await (await loading)?.close();
    },
  };
  return { client, loaded };
}

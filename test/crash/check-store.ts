// The store against the catalog: every row has its object, every object its digest and a whole picture, every request its sidecar.
import { createHash } from "node:crypto";
import { imageKey, sidecarKey } from "../../src/domain/keys.ts";
import type { Asset, RequestDetail } from "../../src/domain/records.ts";
import type { Sidecar } from "../../src/domain/sidecar.ts";
import { createInspector } from "../../src/image/inspect.ts";
import type { Store } from "../../src/pipeline/ports.ts";

export interface StoreFigures {
  assets: number;
  corrupt_objects: number;
  rows_without_object: number;
  sidecars_missing: number;
}

interface Checking {
  store: Store;
  breaches: string[];
}

/** Reads every object that the catalog names. */
export async function checkStore(details: readonly RequestDetail[], checking: Checking): Promise<StoreFigures> {
  const assets = new Map(details.flatMap((detail) => detail.assets.map((asset) => [asset.digest, asset])));
  const figures = { assets: assets.size, corrupt_objects: 0, rows_without_object: 0, sidecars_missing: 0 };
  for (const asset of assets.values()) {
    const fault = await findFault(asset, checking.store);
    if (fault === undefined) continue;
    figures[fault.kind] += 1;
    checking.breaches.push(`object ${asset.key}: ${fault.why}`);
  }
  for (const detail of details.filter(({ request }) => request.state === "archived")) {
    const fault = findGap(detail) ?? (await findSidecarFault(detail, checking.store));
    if (fault === undefined) continue;
    figures.sidecars_missing += 1;
    checking.breaches.push(`request ${detail.request.request_id}: ${fault}`);
  }
  return figures;
}

const inspect = createInspector();

type Fault = { kind: "corrupt_objects" | "rows_without_object"; why: string };

async function findFault(asset: Asset, store: Store): Promise<Fault | undefined> {
  const bytes = await store.get(asset.key);
  if (bytes === undefined) return { kind: "rows_without_object", why: "it is not there" };
  const digest = createHash("sha256").update(bytes).digest("hex");
  if (digest !== asset.digest || bytes.length !== asset.bytes) return { kind: "corrupt_objects", why: "other bytes" };
  try {
    const { extension, width, height } = await inspect(bytes);
    const fits = imageKey(digest, extension) === asset.key && width === asset.width && height === asset.height;
    return fits ? undefined : { kind: "corrupt_objects", why: "another picture than the row says" };
  } catch (error) {
    return { kind: "corrupt_objects", why: String(error) };
  }
}

function findGap({ request, images, assets }: RequestDetail): string | undefined {
  const held = new Set(assets.map((asset) => asset.digest));
  const whole = images.filter((image) => image.digest !== null && held.has(image.digest));
  return whole.length === request.recipe?.n
    ? undefined
    : `archived with ${whole.length} of ${request.recipe?.n} images`;
}

async function findSidecarFault({ request, images }: RequestDetail, store: Store): Promise<string | undefined> {
  const bytes = await store.get(sidecarKey(request));
  if (bytes === undefined) return "it has no sidecar";
  const sidecar = JSON.parse(bytes.toString()) as Sidecar;
  if (sidecar.request.state !== "archived") return `its sidecar says ${sidecar.request.state}`;
  const told = sidecar.assets.map((asset) => asset.digest).join();
  const known = images.map((image) => image.digest).join();
  return told === known && sidecar.request.recipe_id === request.recipe_id
    ? undefined
    : "its sidecar tells of other images";
}

// A request as text for a person, the same in `enqueue --wait`, `wait` and `status <id>`.
import type { App } from "../app.ts";
import { toArchivedAssets } from "../pipeline/archive.ts";
import type { RequestDetail } from "../pipeline/records.ts";
import { showSize } from "../units.ts";
import { print } from "./io.ts";

/** Prints state, reason and assets, with places that open. */
export function printRequest(app: App, detail: RequestDetail): void {
  const { request } = detail;
  print(
    `${request.request_id}  ${request.state}${request.reused_from === null ? "" : ` (answered by ${request.reused_from})`}`,
  );
  if (request.recipe !== null) {
    const { prompt, seed, aspect_ratio, n } = request.recipe;
    print(`  ${prompt}`);
    print(`  seed ${seed}, ${aspect_ratio}, n ${n}, recipe ${request.recipe_id?.slice(0, 12)}`);
  }
  if (request.error !== null) print(`  ${request.error.code}: ${request.error.message}`);
  for (const call of detail.calls) {
    const reason = call.error === null ? "" : `  ${call.error.code}: ${call.error.message}`;
    print(`  call ${call.number}  ${call.state}  ${new Date(call.sent_at).toISOString()}${reason}`);
  }
  for (const asset of toArchivedAssets(detail)) {
    print(
      `  image ${asset.index}  ${asset.width}×${asset.height}  ${showSize(asset.bytes)}  ${app.store().locate(asset.key)}`,
    );
  }
}

// A request as text for a person, the same in `enqueue --wait`, `wait`, `status <id>` and `catalog show`.
import type { App } from "../app/app.ts";
import type { RequestDetail } from "../domain/records.ts";
import { formatSize } from "../domain/units.ts";
import { type RequestView, toRequestView, type WebhookView } from "../output/report/request-view.ts";
import type { Backend } from "./backend.ts";
import { writeOutput } from "./io.ts";
import { plain } from "./text.ts";

/** Prints a request of the catalog here. */
export function printRequest(app: App, detail: RequestDetail): void {
  const { edits } = app.catalog();
  const locate = ({ digest, key }: { digest: string; key: string }) =>
    edits.isErased(digest) ? "removed" : app.store().locate(key);
  printView(toRequestView(detail), { locate });
}

/** Prints state, reason and assets, with places that open. */
export function printView(view: RequestView, { locate }: Pick<Backend, "locate">): void {
  const reused = view.reused_from === null ? "" : ` (answered by ${view.reused_from})`;
  // a server of an earlier version says nothing of it
  const reproduction = view.reproduces ? ` (reproduces ${view.reproduces})` : "";
  writeOutput(`${view.request_id}  ${view.state}${reused}${reproduction}`);
  if (view.prompt !== undefined) {
    writeOutput(`  ${plain(view.prompt)}`);
    writeOutput(`  seed ${view.seed}, ${view.aspect_ratio}, n ${view.n}, recipe ${view.recipe_id?.slice(0, 12)}`);
  }
  if (view.note !== null) writeOutput(`  note: ${plain(view.note)}`);
  if (view.deleted_at !== null) writeOutput(`  ${toDeletion(view.deleted_at, view.erased_at)}`);
  if (view.error !== null) writeOutput(`  ${view.error.code}: ${plain(view.error.message)}`);
  for (const call of view.calls) {
    const reason = call.error === null ? "" : `  ${call.error.code}: ${plain(call.error.message)}`;
    writeOutput(`  call ${call.number}  ${call.state}  ${call.sent_at}${reason}`);
  }
  for (const call of view.calls) {
    // a server of an earlier version says nothing of it
    if (call.answer_file)
      writeOutput(
        `  call ${call.number}  what came is kept: ${call.answer_file}; read it again: retry ${view.request_id} --reread`,
      );
  }
  for (const asset of view.assets) {
    writeOutput(`  image ${asset.index}  ${asset.width}×${asset.height}  ${formatSize(asset.bytes)}  ${locate(asset)}`);
  }
  if (view.webhook !== null) printWebhook(view.webhook);
}

function toDeletion(deletedAt: string, erasedAt: string | null): string {
  return erasedAt === null ? `deletion asked for ${deletedAt}` : `deleted, its bytes removed ${erasedAt}`;
}

function printWebhook({ url, events }: WebhookView): void {
  writeOutput(`  webhook ${plain(url)}${events.length === 0 ? "  nothing to tell yet" : ""}`);
  for (const { event, state, attempts, last_error, delivered_at } of events) {
    const tries = attempts === 1 ? "1 try" : `${attempts} tries`;
    const how = delivered_at ?? (last_error === null ? "" : plain(last_error));
    writeOutput(`    ${event}  ${state}  ${tries}${how === "" ? "" : `  ${how}`}`);
  }
}

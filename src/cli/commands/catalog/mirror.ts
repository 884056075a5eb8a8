// `catalog mirror`: gives the second store whatever it lacks.
import type { Command } from "commander";
import type { App } from "../../../app/app.ts";
import { ConfigError } from "../../../domain/errors.ts";
import { mirrorDue, queueBatches } from "../../../maintenance/mirror.ts";
import { EXIT, interruptSignal, printJson, withApp, writeOutput } from "../../io.ts";
import { createProgress } from "../../live-view.ts";

const EXAMPLES = `
Workers copy by themselves what is archived while MIRROR_URL is set. This command makes up for what was archived before,
and tries again at once what failed.

Examples:
  $ MIRROR_URL=s3://second-bucket asset-archiver catalog mirror
  $ asset-archiver catalog mirror --json`;

export function addCatalogMirror(group: Command, end: (code: number) => void): void {
  group
    .command("mirror")
    .description("copy to MIRROR_URL whatever has no second copy yet")
    .option("--json", "one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async ({ json }: { json?: boolean }) =>
      end(await withApp((app) => runMirror(app, json), { level: "warn", ownStore: true })),
    );
}

async function runMirror(app: App, json = false): Promise<number> {
  const mirror = app.mirror();
  if (mirror === undefined)
    throw new ConfigError("Cannot mirror: MIRROR_URL is not set", {
      code: "missing_mirror",
      faults: [{ field: "MIRROR_URL", message: "wanted file:<directory> or s3://bucket/optional/prefix" }],
    });
  const signal = interruptSignal();
  const { clock, log } = app;
  const { integrity } = app.catalog();
  const parts = { integrity, store: app.store(), mirror, clock, log, signal };
  await queueBatches(parts);
  const progress = createProgress(process.stderr);
  const onProgress = (looked: number) => progress.show(() => `${looked} images and sidecars looked at`);
  const wanted = await integrity.queueAllMirrors({ signal, onProgress });
  const done = await mirrorDue(parts, ({ copied }) => progress.show(() => `${copied} of ${wanted} copied`));
  progress.end();
  const left = integrity.countMirrorJobs();
  if (json) printJson({ ...done, left });
  else writeOutput(`${done.copied} copied${done.failed === 0 ? "" : `, ${done.failed} tries failed`}, ${left} left`);
  if (signal.aborted) return EXIT.interrupted;
  return left === 0 ? EXIT.done : EXIT.failed;
}

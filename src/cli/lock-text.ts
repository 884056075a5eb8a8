// How a check of a lock file is told to a person.
import type { LockChecked, LockFinding, UncheckedReason } from "../maintenance/check-lock.ts";
import type { ManifestCompared } from "../maintenance/compare-lock.ts";
import { writeError, writeOutput } from "./io.ts";
import { plain } from "./text.ts";

/** Prints the root, what was found, and how sure that is. */
export function printLockCheck(check: {
  root: string;
  checked: LockChecked;
  manifest: ManifestCompared | undefined;
  location: string;
}): void {
  const { root, checked, manifest, location } = check;
  writeOutput(root);
  for (const finding of checked.found) writeOutput(describeFinding(finding));
  for (const image of checked.unreachable_first) writeOutput(describeFinding({ ...image, kind: "unreachable" }));
  for (const { kind, request_id, line, reason } of manifest?.found ?? []) {
    const where = line === null ? "" : ` (line ${line} of the manifest)`;
    writeOutput(plain(`  ${kind}  ${request_id === null ? "" : `"${request_id}"`}${where}: ${reason}`));
  }
  writeOutput(summary(checked, location));
  if (manifest !== undefined) writeOutput(compared(manifest));
  if (checked.unreachable > 0)
    writeError(
      checked.unreachable === 1
        ? "The store gave no word of 1 file: nothing is known of it, check again"
        : `The store gave no word of ${number(checked.unreachable)} files: nothing is known of them, check again`,
    );
  else if (checked.objects > 0 && checked.found.every(({ kind }) => kind === "missing") && intact(checked) === 0)
    writeError(`Nothing at all is there: is ${location} the right store? STORAGE_URL names it`);
}

/** Names the first image, and counts the others that share the bytes. */
function describeFinding({ kind, key, images, reason }: UncheckedReason & { kind: string }): string {
  const [first] = images;
  const more = images.length > 1 ? ` and ${images.length - 1} more` : "";
  return `  ${kind}  image ${first?.index} of "${first?.request_id}"${more}: ${key}: ${plain(reason)}`;
}

function summary(checked: LockChecked, location: string): string {
  const { objects, by_digest, by_size, unreachable } = checked;
  const count = (kind: LockFinding["kind"]) => checked.found.filter((finding) => finding.kind === kind).length;
  const wrong = (["missing", "changed", "wrong_type"] as const)
    .map((kind) => ({ kind, found: count(kind) }))
    .filter(({ found }) => found > 0)
    .map(({ kind, found }) => `${number(found)} ${kind.replace("_", " ")}`);
  const right = [
    ...(by_digest > 0 ? [`${number(by_digest)} by digest`] : []),
    ...(by_size > 0 ? [`${number(by_size)} by size alone (--deep reads them)`] : []),
  ];
  const sure = right.length === 0 ? "" : ` (${right.join(", ")})`;
  const unknown = unreachable === 0 ? [] : [`${number(unreachable)} not looked at`];
  const parts = [`${number(intact(checked))} of ${number(objects)} files are there${sure}`, ...wrong, ...unknown];
  return `${parts.join(", ")}, in ${location}`;
}

function compared({ requests, uncompared, found }: ManifestCompared): string {
  const drawn = uncompared === 0 ? "" : `, ${number(uncompared)} with drawn seeds not compared`;
  return `${number(requests)} requests in the manifest, ${number(found.length)} differences${drawn}`;
}

function intact({ by_digest, by_size }: LockChecked): number {
  return by_digest + by_size;
}

function number(value: number): string {
  return value.toLocaleString("en");
}

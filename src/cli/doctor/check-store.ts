// Does the store take, give back, list and delete? Asked with a probe object; and what it checks by itself.
import type { App } from "../../app.ts";
import { toMessage } from "../../errors.ts";
import { probeStore, type StoreGuarantees } from "../../store/probe.ts";
import { createFindings, type Finding } from "./finding.ts";

/** Probes the store of STORAGE_URL. */
export async function checkStore(app: App, signal: AbortSignal): Promise<Finding[]> {
  const findings = createFindings("store");
  const isS3 = app.settings.storage.kind === "s3";
  const advice = isS3
    ? "check bucket, AWS_REGION, AWS_ENDPOINT_URL_S3, the keys and what they may do (put, get, list, delete)"
    : "name a folder that this user may write to";
  try {
    const probe = await probeStore(app.store(), { signal });
    if (probe.ok) findings.ok(`${probe.location} took and gave back a probe object in ${probe.ms} ms`);
    else findings.problem(probe.error?.message ?? "the probe failed", { setting: "STORAGE_URL", advice });
    if (probe.guarantees !== undefined) findings.ok(describeGuarantees(probe.guarantees));
  } catch (error) {
    findings.problem(toMessage(error), { setting: "STORAGE_URL", advice });
  }
  return findings.list;
}

function describeGuarantees({ etag_is_md5, checksum_enforced, conditional_put }: StoreGuarantees): string {
  const confirmed = checksum_enforced
    ? "it checks SHA-256 by itself"
    : etag_is_md5
      ? "uploads are confirmed by MD5 (it does not check SHA-256)"
      : "uploads are confirmed by reading them back (it checks neither SHA-256 nor gives an MD5)";
  return `${confirmed}; conditional writes ${conditional_put ? "work" : "are ignored (not needed)"}`;
}

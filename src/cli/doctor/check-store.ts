// Does the store take, give back, list and delete? Asked with a probe object; and what it checks by itself.
import type { App } from "../../app/app.ts";
import { toMessage } from "../../domain/errors.ts";
import { probeStore, type StoreGuarantees } from "../../storage/probe.ts";
import { createFindings, type Finding, type Findings } from "./finding.ts";

/** Probes the store of STORAGE_URL. */
export function checkStore(app: App, signal: AbortSignal): Promise<Finding[]> {
  const { storage } = app.settings;
  return check(createFindings("store"), { store: app.store, kind: storage.kind, setting: "STORAGE_URL", signal });
}

/** Probes the store of MIRROR_URL; empty where none is set. */
export async function checkMirror(app: App, signal: AbortSignal): Promise<Finding[]> {
  const { mirror } = app.settings;
  const store = app.mirror();
  if (mirror === undefined || store === undefined) return [];
  return check(createFindings("mirror"), { store: () => store, kind: mirror.kind, setting: "MIRROR_URL", signal });
}

interface Probed {
  store: App["store"];
  kind: "directory" | "s3";
  setting: "STORAGE_URL" | "MIRROR_URL";
  signal: AbortSignal;
}

async function check(findings: Findings, { store, kind, setting, signal }: Probed): Promise<Finding[]> {
  const repair = { setting, advice: kind === "s3" ? S3_ADVICE : "name a folder that this user may write to" };
  try {
    const probe = await probeStore(store(), { signal });
    if (probe.ok) findings.ok(`${probe.location} took and gave back a probe object in ${probe.ms} ms`);
    else findings.problem(probe.error?.message ?? "the probe failed", BY_CODE[probe.error?.code ?? ""] ?? repair);
    if (probe.guarantees !== undefined) findings.ok(describeGuarantees(probe.guarantees));
  } catch (error) {
    findings.problem(toMessage(error), repair);
  }
  return findings.list;
}

const S3_ADVICE =
  "check bucket, AWS_REGION, AWS_ENDPOINT_URL_S3, the keys and what they may do (put, get, list, delete)";

/** What to change, where the store's own words leave no doubt. */
const BY_CODE: Record<string, { setting?: string; advice: string }> = {
  store_clock: { advice: "let this machine set its clock (NTP)" },
  store_addressing: {
    setting: "S3_FORCE_PATH_STYLE",
    advice: "set it to false: this store takes the bucket in the host's name",
  },
  store_region: { setting: "AWS_REGION", advice: "name the bucket's own region" },
  store_credentials: { setting: "AWS_ACCESS_KEY_ID", advice: "check the key and its secret, or the profile or role" },
  store_certificate: { setting: "AWS_ENDPOINT_URL_S3", advice: "see above" },
  store_endpoint: { setting: "AWS_ENDPOINT_URL_S3", advice: "check the scheme, http or https, and the port" },
  store_unreachable: { setting: "AWS_ENDPOINT_URL_S3", advice: "check the address, the network and the proxy" },
};

function describeGuarantees(guarantees: StoreGuarantees): string {
  const { etag_is_md5, checksum_enforced, checksum_refused, conditional_put } = guarantees;
  const sha256 = checksum_refused ? "refuses x-amz-checksum-sha256, which is left out" : "does not check SHA-256";
  const confirmed = checksum_enforced
    ? "it checks SHA-256 by itself"
    : etag_is_md5
      ? `uploads are confirmed by MD5 (it ${sha256})`
      : `uploads are confirmed by reading them back (it ${sha256} and gives no MD5)`;
  return `${confirmed}; conditional writes ${conditional_put ? "work" : "are ignored (not needed)"}`;
}

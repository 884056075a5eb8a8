// Is the image API there, and does it take the key? Asked without a call that costs anything.
import type { Settings } from "../../app/settings.ts";
import { formatDuration } from "../../domain/units.ts";
import { type ApiProbe, probeImageApi } from "../../image-api/probe.ts";
import { createFindings, type Finding } from "./finding.ts";

const TIMEOUT_MS = 10_000;
/** The end of a URL is counted from the API's own time: apart by more, warnings of losses are off by as much. */
const CLOCKS_APART_MAX_MS = 60_000;

/** Asks the API of IMAGE_API_BASE_URL for its models. */
export async function checkApi({ imageApi, proxy }: Settings, signal: AbortSignal): Promise<Finding[]> {
  const findings = createFindings("api");
  const { baseUrl, key } = imageApi;
  if (key === undefined) {
    findings.problem("there is no key: a worker refuses to start", {
      setting: "IMAGE_API_KEY",
      advice: "get one from the provider, or try everything at no cost with `asset-archiver sandbox`",
    });
  }
  const probe = await probeImageApi({ baseUrl, apiKey: key, timeoutMs: TIMEOUT_MS, proxy, signal });
  findings.list.push({ subject: "api", ...judge(probe, { baseUrl, hasKey: key !== undefined }) });
  const apart = Math.abs(probe.clockAheadMs ?? 0);
  if (apart > CLOCKS_APART_MAX_MS) {
    findings.warning(`its clock and ours are ${formatDuration(apart)} apart`, {
      advice: "let this machine set its clock (NTP)",
    });
  }
  return findings.list;
}

const BASE_URL_ADVICE =
  "wanted the part of the address before /images/generations, such as https://api.modelverse.cn/v1";

type Words = Pick<Finding, "level" | "message" | "setting" | "advice">;

/** What a verdict means to the operator. */
function judge(
  { verdict, status, reason }: ApiProbe,
  { baseUrl, hasKey }: { baseUrl: string; hasKey: boolean },
): Words {
  const fine = { level: "ok", setting: null, advice: null } as const;
  // without a key a refusal is what it should say
  const asked = verdict === "key_refused" && !hasKey ? "accepted" : verdict;
  const table: Record<ApiProbe["verdict"], Words> = {
    accepted: { ...fine, message: `${baseUrl} answers${hasKey ? " and takes the key" : ""}` },
    no_list: {
      level: "warning",
      message: `not proven: ${baseUrl} answers ${status} to /models, so neither the address nor the key is known to be right`,
      setting: "IMAGE_API_BASE_URL",
      advice: `${BASE_URL_ADVICE}; the first call will prove it, and a wrong address holds all calls`,
    },
    no_proof: {
      level: "warning",
      message: `not proven: ${baseUrl} answers ${status} to /models with something that is no list of models`,
      setting: "IMAGE_API_BASE_URL",
      advice: `${BASE_URL_ADVICE}; the first call will prove it`,
    },
    key_refused: {
      level: "problem",
      message: `${baseUrl} refuses the key (${status})`,
      setting: "IMAGE_API_KEY",
      advice: "check that it is whole, of this provider, and not withdrawn",
    },
    no_balance: {
      level: "problem",
      message: `${baseUrl} says that the balance is used up (402)`,
      setting: "IMAGE_API_KEY",
      advice: "top up the account; work goes on by itself",
    },
    not_the_api: {
      level: "problem",
      message: `${baseUrl} does not answer like an API (${status})`,
      setting: "IMAGE_API_BASE_URL",
      advice: BASE_URL_ADVICE,
    },
    trouble: {
      level: "warning",
      message: `${baseUrl} is there, and not well (${status})`,
      setting: null,
      advice: "calls are tried again by themselves",
    },
    unreachable: {
      level: "problem",
      message: `${baseUrl} cannot be reached: ${reason}`,
      setting: "IMAGE_API_BASE_URL",
      advice: "check the address, the network and the proxy",
    },
  };
  return table[asked];
}

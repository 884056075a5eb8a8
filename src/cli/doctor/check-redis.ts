// Is the Redis new enough, does it keep what it is given, does it throw nothing away, do the clocks agree?
import { toMessage } from "../../domain/errors.ts";
import { formatDuration } from "../../domain/units.ts";
import { isUnsuitableRedis } from "../../queue/connection.ts";
import { inspectRedis, type RedisInspection } from "../../queue/inspect-redis.ts";
import { createFindings, type Finding, type Findings } from "./finding.ts";

const VERSION_MIN = [6, 2] as const;
/** Delays and rate limits go by Redis's clock: apart by more, waits become too long or too short. In ms. */
const CLOCKS_APART_MAX_MS = 5_000;

/** Asks the Redis of REDIS_URL. */
export async function checkRedis(redisUrl: string): Promise<Finding[]> {
  const findings = createFindings("redis");
  try {
    judge(await inspectRedis(redisUrl), findings);
  } catch (error) {
    findings.problem(toMessage(error), {
      setting: "REDIS_URL",
      advice: isUnsuitableRedis(error)
        ? "name one primary that runs without cluster mode"
        : "name a Redis that runs, or let `asset-archiver up` start one of its own",
    });
  }
  return findings.list;
}

function judge(health: RedisInspection, findings: Findings): void {
  judgeVersion(health, findings);
  judgePersistence(health, findings);
  judgeEviction(health, findings);
  const apart = Math.abs(health.clockAheadMs);
  if (apart > CLOCKS_APART_MAX_MS) {
    findings.warning(`its clock and ours are ${formatDuration(apart)} apart`, {
      advice: "let both machines set their clocks (NTP)",
    });
  }
}

function judgeVersion({ version }: RedisInspection, findings: Findings): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > VERSION_MIN[0] || (major === VERSION_MIN[0] && minor >= VERSION_MIN[1]))
    findings.ok(`version ${version}`);
  else
    findings.problem(`version ${version} is too old`, {
      setting: "REDIS_URL",
      advice: `wanted Redis ${VERSION_MIN.join(".")} or newer, or Valkey`,
    });
}

function judgePersistence({ aof, snapshots, diskTrouble }: RedisInspection, findings: Findings): void {
  const advice = "turn on the append-only file (appendonly yes)";
  if (diskTrouble) {
    findings.problem("it cannot write to its disk", { advice: "make room for it and look at its log" });
  } else if (aof) findings.ok("keeps every write on disk (append-only file)");
  else if (snapshots) {
    findings.warning("keeps snapshots only: jobs that other programs added since the last one are lost with it", {
      advice,
    });
  } else if (snapshots === undefined) {
    findings.warning("does not say whether it keeps anything on disk", {
      advice: "look at its settings: AOF is wanted",
    });
  } else {
    findings.warning("keeps nothing on disk: jobs that other programs added are lost when it stops", { advice });
  }
}

function judgeEviction({ evictionPolicy, maxMemory }: RedisInspection, findings: Findings): void {
  if (evictionPolicy === "noeviction") findings.ok("throws nothing away (noeviction)");
  else if (maxMemory > 0) {
    findings.problem(`throws jobs away when its memory is full (${evictionPolicy})`, {
      advice: "set maxmemory-policy noeviction",
    });
  } else {
    findings.warning(`would throw jobs away (${evictionPolicy}) if its memory had a limit`, {
      advice: "set maxmemory-policy noeviction",
    });
  }
}

// The five ways to be unlucky. Each fills an arena, breaks something, mends it, and leaves the verdict to the check.
import { setTimeout as delay } from "node:timers/promises";
import { ARCHIVE_STEPS } from "../../src/pipeline/archive.ts";
import { GENERATE_STEPS } from "../../src/pipeline/generate.ts";
import { type Arena, holds } from "./arena.ts";
import { watchBacklog } from "./backlog.ts";
import { askTheDoor } from "./door.ts";
import { type Fleet, startFleet, startWorkerProcess } from "./processes.ts";

/** How much of it. */
export interface Extent {
  requests: number;
  rounds: number;
}

export interface Run {
  arena: Arena;
  extent: Extent;
  breaches: string[];
  say(line: string): void;
}

/** Resolves to how many processes were killed. */
export type Mode = (run: Run) => Promise<number>;

/** What lies between two steps: inside `keep` once the bytes of an answer are on disk, inside `copy` for each image. */
const SUB_STEPS = ["spool", "download", "verify", "put", "record"];

export const KILL_POINTS = [...[...GENERATE_STEPS, ...ARCHIVE_STEPS].map((step) => step.name), ...SUB_STEPS];

const REACH_MS = 60_000;

/** Kills after every named step, and once while the API is at work, each with fresh requests on top of what is left. */
export const killAtPoints: Mode = async ({ arena, extent, breaches, say }) => {
  const points = Array.from({ length: extent.rounds }, () => KILL_POINTS).flat();
  const share = Math.max(2, Math.round(extent.requests / (points.length + 1)));
  let kills = 0;
  for (const point of points) {
    await arena.producer.send(share);
    const at = `${point}:${arena.dice.between(1, share)}`;
    const worker = startWorkerProcess(arena, { at, name: "worker" });
    const end = await Promise.race([worker.ended, delay(REACH_MS, undefined)]);
    if (end?.signal === "SIGKILL") kills += 1;
    else
      breaches.push(
        `the kill point ${at} was not reached: ${end === undefined ? "still running" : `exit ${end.code}`}`,
      );
    if (end === undefined) worker.process.kill("SIGKILL");
    say(`killed at ${at}`);
  }
  kills += await killDuringCall(arena, share);
  say("killed while the API was at work");
  return kills;
};

async function killDuringCall(arena: Arena, share: number): Promise<number> {
  await arena.sandbox.set({ latencyMs: 500 });
  await arena.producer.send(share);
  const worker = startWorkerProcess(arena, { name: "worker" });
  await holds(async () => (await arena.sandbox.bill()).outcomes.open > 0, REACH_MS);
  worker.process.kill("SIGKILL");
  await worker.ended;
  await arena.sandbox.set({ latencyMs: 0 });
  return 1;
}

/** Kills either of two workers at any instant, again and again, while requests keep coming. */
export const killAtRandom: Mode = async ({ arena, extent, say }) => {
  await arena.sandbox.set({ latencyMs: 80, latencyJitter: 0.5 });
  const fleet = await startFleet(arena, 2);
  const rounds = extent.rounds * 10;
  for (let round = 0; round < rounds; round++) {
    await arena.producer.send(Math.ceil(extent.requests / rounds));
    await killOne(arena, fleet);
  }
  say(`${fleet.kills} kills at random`);
  return settle(arena, fleet);
};

// mostly at work, now and then while it starts
async function killOne({ dice }: Arena, fleet: Fleet): Promise<void> {
  const slot = dice.between(0, 1);
  if (!dice.chance(0.2)) await fleet.ready(slot);
  await delay(dice.between(0, 1_000));
  await fleet.kill(slot);
}

/**
 * Redis dies and comes back with what it kept (from the second round on: with an old state), is away for a while and
 * comes back empty, is emptied under everybody's feet, and dies and comes back empty.
 */
export const breakRedis: Mode = async ({ arena, extent, breaches, say }) => {
  await arena.sandbox.set({ latencyMs: 80, latencyJitter: 0.5 });
  const fleet = await startFleet(arena, 2);
  const share = Math.ceil(extent.requests / (extent.rounds * 4));
  for (let round = 0; round < extent.rounds; round++) {
    await bounceRedis({ arena, share, awayMs: 500, persistence: "aof" });
    say("Redis was killed and came back");
    await arena.producer.send(share);
    await arena.redis.kill();
    const [said] = await Promise.all([askTheDoor(arena), arena.producer.knock(3), fleet.kill(0)]);
    if (said !== undefined) breaches.push(said);
    await arena.redis.start("none");
    say("Redis was away, and came back empty");
    await arena.producer.send(share);
    await delay(arena.dice.between(100, 600));
    await arena.redis.flush();
    say("Redis was emptied");
    await bounceRedis({ arena, share, awayMs: 0, persistence: "none" });
    await arena.producer.send(share);
  }
  return settle(arena, fleet);
};

async function bounceRedis(how: {
  arena: Arena;
  share: number;
  awayMs: number;
  persistence: "aof" | "none";
}): Promise<void> {
  const { arena, persistence } = how;
  await arena.producer.send(how.share);
  await delay(arena.dice.between(100, 600));
  await arena.redis.kill();
  await delay(how.awayMs);
  await arena.redis.start(persistence);
}

/** The store answers 503 while generation goes on; a worker dies meanwhile; spending stops at the bound and goes on by itself. */
export const breakStore: Mode = async ({ arena, extent, breaches, say }) => {
  const fleet = await startFleet(arena, 2);
  arena.s3?.setLossy(0.1, arena.dice.roll);
  for (let round = 0; round < extent.rounds; round++) {
    arena.s3?.setDown(true);
    await arena.producer.send(Math.ceil(extent.requests / extent.rounds));
    const backlog = await watchBacklog(arena, { killOne: () => fleet.kill(round % 2) });
    breaches.push(...backlog.breaches);
    say(`the store was away; spending stopped at ${backlog.images} images`);
    arena.s3?.setDown(false);
  }
  return settle(arena, fleet);
};

/** Everything at once, and an API and downloads that fail in every way. */
export const breakAll: Mode = async ({ arena, extent, say }) => {
  await arena.sandbox.set(BAD_WEATHER);
  const fleet = await startFleet(arena, 2);
  for (let round = 0; round < extent.rounds; round++) {
    const share = Math.ceil(extent.requests / extent.rounds / 4);
    await arena.producer.send(share);
    await killOne(arena, fleet);
    arena.s3?.setDown(true);
    await arena.producer.send(share);
    await killOne(arena, fleet);
    const away = bounceRedis({ arena, share: 0, awayMs: 500, persistence: arena.dice.pick(["aof", "none"]) });
    await Promise.all([away, arena.producer.send(share)]);
    await killOne(arena, fleet);
    arena.s3?.setDown(false);
    await arena.producer.send(share);
    await killOne(arena, fleet);
    say(`round ${round + 1} of bad weather`);
  }
  await arena.sandbox.set(FAIR_WEATHER);
  return settle(arena, fleet);
};

const BAD_WEATHER = {
  latencyMs: 80,
  latencyJitter: 0.5,
  rateLimit: "30/s",
  errorRate: 0.08,
  hangRate: 0.02,
  resetRate: 0.04,
  malformedRate: 0.02,
  htmlRate: 0.03,
  emptyRate: 0.03,
  shortRate: 0.08,
  imageErrorRate: 0.05,
  truncateRate: 0.05,
  shortBodyRate: 0.05,
  htmlImageRate: 0.05,
  redirectRate: 0.1,
};
const FAIR_WEATHER = Object.fromEntries(
  Object.keys(BAD_WEATHER).flatMap((name) => (name.endsWith("Rate") ? [[name, 0]] : [])),
);

/** How long the last request may take once everything is mended, in ms. */
const SETTLE_MS = 120_000;

/** Lets everything come to its end, and stops the workers. */
async function settle(arena: Arena, fleet: Fleet): Promise<number> {
  await waitForEnds(arena);
  await fleet.stop();
  return fleet.kills;
}

/** Resolves when no request is unfinished and no job is left, or when the time is up: the check says what is wrong then. */
async function waitForEnds(arena: Arena): Promise<void> {
  await holds(() => hasNothingLeft(arena).catch(() => false), SETTLE_MS);
}

async function hasNothingLeft({ app }: Arena): Promise<boolean> {
  const { queued, generating, copying } = app.catalog().counts().requests;
  if (queued + generating + copying > 0) return false;
  const { generate, archive } = await app.queues();
  const types = ["wait", "active", "prioritized", "delayed"] as const;
  const left = await Promise.all([generate, archive].map((queue) => queue.getJobCountByTypes(...types)));
  return left.every((jobs) => jobs === 0);
}

/** The points mode has no fleet of its own: one worker brings what is left to its end. */
export async function finishWithOneWorker(arena: Arena): Promise<void> {
  await settle(arena, await startFleet(arena, 1));
}

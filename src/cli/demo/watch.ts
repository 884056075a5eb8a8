// Puts the demo's requests in and follows them in the catalog until all of them are over.
import { submit } from "../../app/submit.ts";
import type { LiveView } from "../live-view.ts";
import { isOver, type Standing } from "./outcome.ts";
import type { DemoPrompt } from "./prompts.ts";
import type { Demo } from "./stage.ts";
import { toDemoLines } from "./view.ts";

/** The catalog is read and the view drawn this often, in ms. */
const LOOK_EVERY_MS = 80;
/** A demo that is not over by then has gone wrong, in ms. */
const DEADLINE_MS = 180_000;

export interface WatchOptions {
  view: LiveView;
  signal: AbortSignal;
  begunMs: number;
}

/** Submits the prompts and resolves when all are over, the time is up, or the signal comes. */
export async function runPrompts(
  demo: Demo,
  prompts: readonly DemoPrompt[],
  options: WatchOptions,
): Promise<Standing[]> {
  const { clock } = demo.app;
  const standings: Standing[] = [];
  for (const prompt of prompts) standings.push({ prompt, detail: await submit(demo.app, prompt.submission) });
  for (;;) {
    await look(demo, standings);
    const nowMs = clock.now();
    const elapsedMs = nowMs - options.begunMs;
    const { columns, rows } = options.view;
    options.view.draw(toDemoLines(standings, { columns, rows, nowMs, elapsedMs }));
    if (standings.every(isOver) || elapsedMs > DEADLINE_MS || options.signal.aborted) return standings;
    await clock.sleep(LOOK_EVERY_MS, options.signal);
  }
}

/** What an interrupted demo left behind gets so long to come to its end, in ms. */
const LEFTOVERS_MS = 60_000;

/** Waits until nothing of an earlier demo is under way: its retries may be due later than the last of our own requests. */
export async function finishLeftovers({ app }: Demo, signal: AbortSignal): Promise<void> {
  const deadline = app.clock.now() + LEFTOVERS_MS;
  while (!signal.aborted && app.clock.now() < deadline) {
    const { queued, generating, copying } = app.catalog().counts().requests;
    if (queued + generating + copying === 0) return;
    await app.clock.sleep(LOOK_EVERY_MS, signal);
  }
}

async function look(demo: Demo, standings: Standing[]): Promise<void> {
  for (const standing of standings) {
    if (isOver(standing)) continue;
    standing.detail = (await demo.app.catalog().find(standing.detail.request.request_id)) ?? standing.detail;
  }
}

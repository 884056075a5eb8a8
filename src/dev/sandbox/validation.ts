// What the API accepts, as its document has it. Written apart from src/request on purpose: a mistake made there
// must be refused here, as the real API would. Fields the API does not know are ignored, as OpenAI's clients send some.
import { invalidParameter, type Refusal, refuse } from "./refusal.ts";

/** The one model there is. */
export const MODEL = "Qwen/Qwen-Image";

const RATIOS = ["21:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "9:21"] as const;

/** What decides the pixels. `seed` is never -1: a random one has been drawn. */
export interface SandboxRecipe {
  model: string;
  prompt: string;
  negative_prompt: string;
  aspect_ratio: (typeof RATIOS)[number];
  n: number;
  seed: number;
  steps: number;
  guidance_scale: number;
}

/** A call that fits. */
export interface SandboxCall {
  recipe: SandboxRecipe;
  /** False when the sandbox drew the seed. */
  seed_given: boolean;
  response_format: "url" | "b64_json";
}

interface Rule {
  wanted: string;
  fallback?: unknown;
  fits: (value: unknown) => boolean;
}

const RULES: Readonly<Record<string, Rule>> = {
  model: { wanted: "a string", fits: isText },
  prompt: { wanted: "a string that is not empty", fits: (value) => isText(value) && value.trim() !== "" },
  n: { wanted: "an integer from 1 to 4", fallback: 1, fits: (value) => isInteger(value, 1, 4) },
  aspect_ratio: { wanted: `one of ${RATIOS.join(", ")}`, fallback: "1:1", fits: (value) => includes(RATIOS, value) },
  seed: { wanted: "an integer, -1 or more", fallback: -1, fits: (value) => isInteger(value, -1) },
  steps: { wanted: "an integer from 1 to 50", fallback: 20, fits: (value) => isInteger(value, 1, 50) },
  guidance_scale: {
    wanted: "a number from 1 to 10",
    fallback: 2.5,
    fits: (value) => typeof value === "number" && value >= 1 && value <= 10,
  },
  negative_prompt: { wanted: "a string", fallback: "", fits: isText },
  response_format: {
    wanted: "url or b64_json",
    fallback: "url",
    fits: (value) => includes(["url", "b64_json"], value),
  },
};

/** The call in a body, or what is wrong with it. `drawSeed` is asked where none (or -1) was given. */
export function validate(body: unknown, drawSeed: () => number): SandboxCall | Refusal {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    return invalidParameter("The body must be a JSON object");
  const given = body as Record<string, unknown>;
  const values: Record<string, unknown> = {};
  for (const [name, rule] of Object.entries(RULES)) {
    const value = given[name] ?? rule.fallback;
    if (value === undefined) return invalidParameter(`${name} is required: wanted ${rule.wanted}`);
    if (!rule.fits(value)) return invalidParameter(`${name} does not fit: wanted ${rule.wanted}`);
    values[name] = value;
  }
  if (values.model !== MODEL)
    return {
      ...refuse(404, `The model ${String(values.model).slice(0, 100)} does not exist`),
      code: "model_not_found",
    };
  return toCall(values, drawSeed);
}

function toCall(values: Record<string, unknown>, drawSeed: () => number): SandboxCall {
  const { response_format, seed, ...rest } = values;
  const seed_given = seed !== -1;
  const recipe = { ...rest, seed: seed_given ? seed : drawSeed() } as SandboxRecipe;
  return { recipe, seed_given, response_format: response_format as SandboxCall["response_format"] };
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.isWellFormed();
}

function isInteger(value: unknown, least: number, most: number = Number.MAX_SAFE_INTEGER): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
}

function includes(list: readonly string[], value: unknown): boolean {
  return list.includes(value as string);
}

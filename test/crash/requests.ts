// The mixture of requests: both forms of answers, one to four images, named and drawn seeds, twins, prompts that are refused.
import type { SubmissionInput } from "../../src/domain/request/submission-input.ts";
import type { Dice } from "./dice.ts";

/** What one producer sends. `raw` ones go straight to BullMQ, past the catalog. */
export interface Sent {
  data: SubmissionInput & { request_id: string };
  raw: boolean;
}

/** An endless row of requests. Every prompt is its own, but for twins: those repeat an earlier recipe under a new id. */
export function createRequests(dice: Dice, name: string): { next(): Sent } {
  const recipes: SubmissionInput[] = [];
  let number = 0;
  const next = (): Sent => {
    number += 1;
    const request_id = `${name}-${String(number).padStart(4, "0")}`;
    const response_format = dice.chance(0.3) ? "b64_json" : "url";
    const raw = dice.chance(0.25);
    const twin = recipes.length > 0 && dice.chance(0.12) ? dice.pick(recipes) : undefined;
    if (twin !== undefined) return { data: { ...twin, request_id, response_format }, raw };
    const marker = dice.chance(0.05) ? " [reject]" : dice.chance(0.05) ? " [flaky]" : "";
    const recipe: SubmissionInput = {
      prompt: `fox ${name} ${number}${marker}`,
      n: dice.between(1, 4),
      ...(dice.chance(0.5) ? { seed: dice.between(0, 2 ** 31 - 1) } : {}),
    };
    if (recipe.seed !== undefined && marker === "") recipes.push(recipe);
    return { data: { ...recipe, request_id, response_format }, raw };
  };
  return { next };
}

// A recipe as the text that common tools show and read again: the form of AUTOMATIC1111's web interface. Pure.
// The prompt, a line "Negative prompt: …", and a last line of "Name: value" pairs. What is ambiguous in it (a prompt that has
// such lines itself) stands in the XMP beside it without doubt.
import type { ArchivedImage } from "../../domain/records.ts";
import type { Recipe } from "../../domain/request/recipe.ts";

/** The keyword under which tools look for it. */
export const PARAMETERS_KEYWORD = "parameters";

/** The text for one image of a recipe. */
export function toParameters(recipe: Recipe, { index, asset, request }: ArchivedImage): string {
  const { prompt, negative_prompt, steps, guidance_scale, seed, model, n } = recipe;
  const pairs: [string, string | number][] = [
    ["Steps", steps],
    ["CFG scale", guidance_scale],
    ["Seed", seed],
    ["Size", `${asset.width}x${asset.height}`],
    ["Model", model],
    ...(n > 1
      ? ([
          ["Batch size", n],
          ["Batch pos", index],
        ] satisfies [string, number][])
      : []),
    ["Recipe id", request.recipe_id ?? ""],
  ];
  const last = pairs.map(([name, value]) => `${name}: ${quoted(String(value))}`).join(", ");
  return [prompt, ...(negative_prompt === "" ? [] : [`Negative prompt: ${negative_prompt}`]), last].join("\n");
}

// as the tools do it: what would be taken for the end of a value goes into quotes
function quoted(value: string): string {
  return /[,\n:]/.test(value) ? JSON.stringify(value) : value;
}

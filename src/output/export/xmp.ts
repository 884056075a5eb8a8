// What XMP says of an image: that it was made by a trained model, from which prompt, and our whole recipe as JSON. Pure.
import type { ArchivedImage } from "../../domain/records.ts";
import type { Recipe } from "../../domain/request/recipe.ts";

/** https://cv.iptc.org/newscodes/digitalsourcetype/: made by a model from a prompt, without a photograph. */
const SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";

/** Ours: it names the properties and leads nowhere. */
const NAMESPACE = "urn:asset-archiver:xmp:1";

/** The packet, as it goes into a file. */
export function toXmp(recipe: Recipe, { request, index, asset, api_created }: ArchivedImage): string {
  const { request_id, recipe_id, tags, collection } = request;
  const whole = { request_id, index, recipe_id, recipe, digest: asset.digest };
  const created =
    api_created === null ? "" : `\n   <xmp:CreateDate>${new Date(api_created * 1_000).toISOString()}</xmp:CreateDate>`;
  const subjects = [collection, ...tags].map((tag) => `<rdf:li>${escapeXml(tag)}</rdf:li>`).join("");
  return `<?xpacket begin="\uFEFF" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    xmlns:archiver="${NAMESPACE}">
   <Iptc4xmpExt:DigitalSourceType>${SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>
   <Iptc4xmpExt:AISystemUsed>${escapeXml(recipe.model)}</Iptc4xmpExt:AISystemUsed>
   <Iptc4xmpExt:AIPromptInformation>${escapeXml(recipe.prompt)}</Iptc4xmpExt:AIPromptInformation>
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">${escapeXml(recipe.prompt)}</rdf:li></rdf:Alt></dc:description>
   <dc:subject><rdf:Bag>${subjects}</rdf:Bag></dc:subject>
   <xmp:CreatorTool>asset-archiver</xmp:CreatorTool>${created}
   <archiver:recipe_id>${escapeXml(recipe_id ?? "")}</archiver:recipe_id>
   <archiver:recipe>${escapeXml(JSON.stringify(whole))}</archiver:recipe>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>`;
}

/** The JSON that `toXmp` put there; undefined where there is none, or none that can be read. */
export function readRecipe(xmp: string): Record<string, unknown> | undefined {
  // what a prompt says cannot look like an element: there is no "<" in it
  const [, text] = /<archiver:recipe>([^<]*)</.exec(xmp) ?? [];
  try {
    const data: unknown = JSON.parse(unescapeXml(text ?? ""));
    return typeof data === "object" && data !== null ? { ...data } : undefined;
  } catch {
    return undefined;
  }
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;" };

// XML 1.0 has no form at all for most control characters
function escapeXml(text: string): string {
  return text
    .replace(/(?![\t\n\r\x7f-\x9f])[\p{Cc}\ufffe\uffff]/gu, "\ufffd")
    .replace(/[&<>"\r]/g, (character) => ENTITIES[character] ?? "");
}

function unescapeXml(text: string): string {
  const characters = new Map(Object.entries(ENTITIES).map(([character, entity]) => [entity, character]));
  return text.replace(/&#?\w+;/g, (entity) => characters.get(entity) ?? entity);
}

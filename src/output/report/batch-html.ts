// The report of a batch as one HTML page that needs nothing else: styles and small pictures are inside. Pure.
import { formatDuration } from "../../domain/units.ts";
import type { BatchReport, FailedItem, SheetImage } from "./batch-report.ts";
import { BATCH_STYLE } from "./batch-style.ts";
import { details, headline, keyFigures, number, placeOf, shortPrompt } from "./batch-text.ts";

export interface HtmlOptions {
  /** Small pictures as data: URLs, by digest; an image without one is shown as an empty frame. */
  thumbnails: ReadonlyMap<string, string>;
  /** Where the whole image is, as seen from the page; undefined where it cannot be opened from there. */
  link(image: SheetImage): string | undefined;
}

/** The whole report. What producers wrote is escaped; no script runs. */
export function toBatchHtml(report: BatchReport, options: HtmlOptions): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${escapeHtml(report.name)}: ${escapeHtml(headline(report))}</title>
<style>${BATCH_STYLE}</style>
</head>
<body>
<header>
<p class="name">${escapeHtml(report.name)}</p>
<h1 class="${tone(report)}">${escapeHtml(headline(report))}</h1>
<p class="when">${escapeHtml(report.created_at.slice(0, 16).replace("T", " "))} – ${escapeHtml((report.finished_at ?? report.reported_at).slice(0, 16).replace("T", " "))} UTC</p>
</header>
<main>
${bar(report)}
${figures(report)}
${failures(report)}
${sheet(report, options)}
${slowest(report)}
${facts(report)}
</main>
</body>
</html>
`;
}

function tone({ state, requests }: BatchReport): string {
  if (state === "held" || state === "running") return "waits";
  return state === "finished" && requests.failed + requests.parked === 0 ? "good" : "bad";
}

// how the items ended, as one bar
function bar({ requests }: BatchReport): string {
  const left = requests.queued + requests.generating + requests.copying;
  const shares: [string, number, string][] = [
    ["good", requests.archived, "archived"],
    ["bad", requests.failed + requests.parked, "failed"],
    ["dim", requests.cancelled, "cancelled"],
    ["waits", left, "to go"],
  ];
  const parts = shares.filter(([, count]) => count > 0);
  const title = parts.map(([, count, name]) => `${number(count)} ${name}`).join(", ");
  const inner = parts.map(([name, count]) => `<i class="${name}" style="flex-grow:${count}"></i>`).join("");
  return parts.length === 0 ? "" : `<div class="bar" role="img" aria-label="${title}" title="${title}">${inner}</div>`;
}

function figures(report: BatchReport): string {
  const cards = keyFigures(report).map(({ name, value, note }) => {
    const bad = (name === "Failed" || name === "Unknown calls") && value !== "0" ? ' class="bad"' : "";
    return `<div><dt>${name}</dt><dd${bad}>${escapeHtml(value)}</dd><dd class="note">${escapeHtml(note)}</dd></div>`;
  });
  return `<dl class="figures">${cards.join("")}</dl>`;
}

function failures(report: BatchReport): string {
  if (report.failures.length === 0) return "";
  const sections = report.failures.map((failure) => {
    const more = failure.items - failure.requests.length;
    const items = failure.requests.map(failedItem).join("");
    const command = failure.redrive === null ? "" : `<br><code>${escapeHtml(failure.redrive)}</code>`;
    return `<details${report.failures.length === 1 ? " open" : ""}>
<summary><b>${number(failure.items)}</b> ${failure.state} <code>${escapeHtml(failure.code)}</code></summary>
<p>${escapeHtml(failure.message)}</p>
<p class="note">What to do: ${escapeHtml(failure.remedy)}${command}</p>
<ul class="ids">${items}${more > 0 ? `<li>… and ${number(more)} more</li>` : ""}</ul>
</details>`;
  });
  return `<section><h2>What failed</h2>${sections.join("")}</section>`;
}

function failedItem(item: FailedItem): string {
  const prompt = escapeHtml(shortPrompt(item.prompt));
  return `<li>${placeOf(item)}: ${prompt} <code>${escapeHtml(item.request_id)}</code></li>`;
}

function sheet(report: BatchReport, options: HtmlOptions): string {
  if (report.sheet.length === 0) return "";
  const frames = report.sheet.map((image) => frame(image, options)).join("");
  const all = report.images + report.images_from_before;
  const shown = report.sheet.length;
  const note = all > shown ? `<p class="note">The first ${number(shown)} of ${number(all)} images.</p>` : "";
  return `<section><h2>Contact sheet</h2>${note}<div class="sheet">${frames}</div></section>`;
}

function frame(image: SheetImage, { thumbnails, link }: HtmlOptions): string {
  const small = thumbnails.get(image.digest);
  const prompt = escapeHtml(image.prompt ?? "");
  const ratio = `style="aspect-ratio:${image.width}/${image.height}"`;
  const picture =
    small === undefined
      ? `<span class="gone" ${ratio}></span>`
      : `<img src="${small}" alt="${prompt}" loading="lazy" ${ratio}>`;
  const href = link(image);
  return `<figure>${href === undefined ? picture : `<a href="${escapeHtml(href)}">${picture}</a>`}
<figcaption title="${prompt}"><span>${prompt}</span><code>${escapeHtml(image.request_id)} · ${image.seed ?? ""}</code></figcaption></figure>`;
}

function slowest(report: BatchReport): string {
  if (report.slowest.length === 0) return "";
  const rows = report.slowest.map(
    ({ request_id, took_ms, calls }) =>
      `<tr><td><code>${escapeHtml(request_id)}</code></td><td>${formatDuration(took_ms)}</td><td>${calls} ${calls === 1 ? "call" : "calls"}</td></tr>`,
  );
  return `<section><h2>Slowest</h2><table>${rows.join("")}</table></section>`;
}

function facts(report: BatchReport): string {
  const rows = details(report).map(([name, value]) => `<tr><th>${name}</th><td>${escapeHtml(value)}</td></tr>`);
  return `<section><h2>Details</h2><table class="facts">${rows.join("")}</table></section>`;
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

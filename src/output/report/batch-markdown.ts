// The report of a batch as Markdown: for a chat, an issue, a terminal. Pure.
import { formatDuration } from "../../domain/units.ts";
import type { BatchReport } from "./batch-report.ts";
import { details, headline, keyFigures, placeOf, shortPrompt } from "./batch-text.ts";

/** The whole report but the pictures. */
export function toBatchMarkdown(report: BatchReport): string {
  return [
    `# ${escapeMarkdown(report.name)}: ${headline(report)}`,
    table(
      ["", "", ""],
      keyFigures(report).map(({ name, value, note }) => [`**${name}**`, value, note]),
    ),
    ...failures(report),
    ...slowest(report),
    "## Details",
    table(
      ["", ""],
      details(report).map(([name, value]) => [name, escapeMarkdown(value)]),
    ),
  ]
    .join("\n\n")
    .concat("\n");
}

function failures(report: BatchReport): string[] {
  if (report.failures.length === 0) return [];
  const sections = report.failures.map((failure) => {
    const more = failure.items - failure.requests.length;
    const items = failure.requests.map(
      (item) => `- ${placeOf(item)}: ${escapeMarkdown(shortPrompt(item.prompt))} \`${item.request_id}\``,
    );
    return [
      `### ${failure.items} ${failure.state}: \`${failure.code}\``,
      "",
      escapeMarkdown(failure.message),
      "",
      `What to do: ${escapeMarkdown(failure.remedy)}`,
      ...(failure.redrive === null ? [] : ["", `    ${failure.redrive}`]),
      "",
      ...items,
      ...(more > 0 ? [`- … and ${more} more`] : []),
    ].join("\n");
  });
  return ["## What failed", ...sections];
}

function slowest({ slowest: list }: BatchReport): string[] {
  if (list.length === 0) return [];
  const rows = list.map(({ request_id, took_ms, calls }) => [
    `\`${request_id}\``,
    formatDuration(took_ms),
    String(calls),
  ]);
  return ["## Slowest", table(["request", "took", "calls"], rows)];
}

function table(header: readonly string[], rows: readonly string[][]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}

// what a producer wrote must not become markup
function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_{}[\]<>#|]/g, "\\$&").replace(/\s+/g, " ");
}

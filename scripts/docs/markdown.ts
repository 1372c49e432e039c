/** A Markdown table. Bars in cells are escaped; line breaks become spaces. */
export function markdownTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  return `${[rowText(titles), `|${titles.map(() => "---").join("|")}|`, ...rows.map(rowText)].join("\n")}\n`
}

function rowText(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`
}

/** `name` as code. */
export function code(text: string): string {
  return `\`${text}\``
}

/** Stands at the top of every page that is made. */
export function madeFrom(sources: string): string {
  return `<!-- Made by scripts/docs.ts from ${sources}. Do not edit. -->`
}

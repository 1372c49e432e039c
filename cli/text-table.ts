/** One cell: its text, and what is put around it once it is padded (colours take no width). */
export interface Cell {
  readonly text: string
  readonly paint?: (text: string) => string
}

export interface Column {
  readonly title: string
  readonly align: "left" | "right"
}

const WIDE =
  /\p{Emoji_Presentation}|[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6]|[\u{20000}-\u{3FFFD}]/u
const segments = new Intl.Segmenter("en", { granularity: "grapheme" })

/** Columns that a text takes on a terminal. */
function textWidth(text: string): number {
  // Plain ASCII, which nearly every name is, needs no segmenting.
  if (/^[ -~]*$/.test(text)) return text.length
  let width = 0
  for (const { segment } of segments.segment(text)) width += WIDE.test(segment) ? 2 : 1
  return width
}

/** Rows as aligned lines with a heading, two spaces between columns. Texts are never cut. Ends with a line break. */
export function textTable(columns: readonly Column[], rows: readonly (readonly Cell[])[]): string {
  const widths = columns.map(({ title }, at) =>
    rows.reduce((width, row) => Math.max(width, textWidth(row[at]?.text ?? "")), textWidth(title)),
  )
  const line = (cells: readonly Cell[]): string =>
    columns
      .map(({ align }, at) => padded(cells[at] ?? { text: "" }, align, widths[at] ?? 0))
      .join("  ")
      .trimEnd()
  return [columns.map(({ title }) => ({ text: title })), ...rows].map((row) => `${line(row)}\n`).join("")
}

function padded({ text, paint }: Cell, align: Column["align"], width: number): string {
  const space = " ".repeat(Math.max(0, width - textWidth(text)))
  const shown = paint === undefined ? text : paint(text)
  return align === "left" ? shown + space : space + shown
}

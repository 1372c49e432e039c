/** One cell: its text, and what is put around it once it is padded (colours take no width). */
export interface Cell {
  readonly text: string
  readonly paint?: (text: string) => string
}

export interface Column {
  readonly title: string
  readonly align: "left" | "right"
  /** Where the table is too wide, its cells stand below their row, with this word before them. */
  readonly below?: string
}

const WIDE =
  /\p{Emoji_Presentation}|[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6]|[\u{20000}-\u{3FFFD}]/u
/** Made when a text needs it: an agent, which writes no table, is spared 3 MB. */
let segmenter: Intl.Segmenter | undefined

/** Columns that a text takes on a terminal. */
function textWidth(text: string): number {
  // Plain ASCII, which nearly every name is, needs no segmenting.
  if (/^[ -~]*$/.test(text)) return text.length
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" })
  let width = 0
  for (const { segment } of segmenter.segment(text)) width += WIDE.test(segment) ? 2 : 1
  return width
}

type Row = readonly Cell[]

/**
 * Rows as aligned lines with a heading, two spaces between columns. Texts are never cut: what is wider than `most` has
 * its `below` columns on lines of their own, broken between words. Ends with a line break.
 */
export function textTable(
  columns: readonly Column[],
  rows: readonly Row[],
  most = Number.POSITIVE_INFINITY,
): string {
  const all = columns.map((_, at) => at)
  const beside = all.filter((at) => columns[at]?.below === undefined)
  const fits = lineWidth(columnWidths(columns, rows), all) <= most
  if (fits || beside.length === all.length) return lines(columns, rows, all, () => [])
  const below = all.filter((at) => !beside.includes(at))
  return lines(columns, rows, beside, (row) =>
    flowing(
      below.flatMap((at) => labelled(columns[at]?.below ?? "", row[at])),
      most,
    ),
  )
}

function columnWidths(columns: readonly Column[], rows: readonly Row[]): readonly number[] {
  return columns.map(({ title }, at) =>
    rows.reduce((width, row) => Math.max(width, textWidth(row[at]?.text ?? "")), textWidth(title)),
  )
}

const lineWidth = (widths: readonly number[], shown: readonly number[]): number =>
  shown.reduce((sum, at) => sum + (widths[at] ?? 0) + 2, -2)

function lines(
  columns: readonly Column[],
  rows: readonly Row[],
  shown: readonly number[],
  below: (row: Row) => readonly string[],
): string {
  const widths = columnWidths(columns, rows)
  const line = (cells: Row): string =>
    shown
      .map((at) => padded(cells[at] ?? { text: "" }, columns[at]?.align ?? "left", widths[at] ?? 0))
      .join("  ")
      .trimEnd()
  const heading = line(columns.map(({ title }) => ({ text: title })))
  return [heading, ...rows.flatMap((row) => [line(row), ...below(row)])].map((text) => `${text}\n`).join("")
}

function labelled(label: string, cell: Cell | undefined): readonly Cell[] {
  if (cell === undefined || cell.text === "") return []
  return [{ ...cell, text: label === "" ? cell.text : `${label} ${cell.text}` }]
}

const INDENT = "    "

/** Texts one behind the other, on as many indented lines as it takes; a sentence is broken between words. */
function flowing(cells: readonly Cell[], most: number): readonly string[] {
  const flown: string[] = []
  const whole = most - INDENT.length
  let room = 0
  for (const { text, paint = (plain: string) => plain } of cells) {
    if (textWidth(text) + 2 <= room) {
      flown.push(`${flown.pop() ?? ""}  ${paint(text)}`)
      room -= textWidth(text) + 2
      continue
    }
    const broken = brokenAt(text, whole)
    flown.push(...broken.map((line) => INDENT + paint(line)))
    room = whole - textWidth(broken.at(-1) ?? "")
  }
  return flown
}

/** A text as lines of so many columns; a longer word stays whole on a line of its own. */
function brokenAt(text: string, most: number): readonly string[] {
  const broken: string[] = []
  for (const word of text.split(" ")) {
    const line = broken.at(-1)
    if (line === undefined || textWidth(line) + 1 + textWidth(word) > most) broken.push(word)
    else broken[broken.length - 1] = `${line} ${word}`
  }
  return broken
}

function padded({ text, paint }: Cell, align: Column["align"], width: number): string {
  const space = " ".repeat(Math.max(0, width - textWidth(text)))
  const shown = paint === undefined ? text : paint(text)
  return align === "left" ? shown + space : space + shown
}

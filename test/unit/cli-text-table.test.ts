import { expect, test } from "vitest"
import { type Cell, type Column, textTable } from "../../cli/text-table.ts"

const columns: readonly Column[] = [
  { title: "HEALTH", align: "left" },
  { title: "ROUTE", align: "left", below: "" },
  { title: "RATE", align: "right" },
  { title: "SEEN BY", align: "left", below: "seen by" },
  { title: "FLAGS", align: "left", below: "flags" },
]
const row = (...texts: string[]): Cell[] => texts.map((text) => ({ text }))
const rows = [
  row("ok", "shop / cart", "1.5", "callers", ""),
  row("failing", "pay", "12.0", "gateway", "UF×3"),
]

const wide = `\
HEALTH   ROUTE        RATE  SEEN BY  FLAGS
ok       shop / cart   1.5  callers
failing  pay          12.0  gateway  UF×3
`

test("is one line a row where there is room, and where nobody knows the width", () => {
  expect(textTable(columns, rows)).toBe(wide)
  expect(textTable(columns, rows, 42)).toBe(wide)
})

test("one column less, and the columns that may stand below do, with their names", () => {
  expect(textTable(columns, rows, 41)).toBe(`\
HEALTH   RATE
ok        1.5
    shop / cart  seen by callers
failing  12.0
    pay  seen by gateway  flags UF×3
`)
})

test("what stands below takes more lines where it must, and no text is ever cut", () => {
  expect(textTable(columns, rows, 25)).toBe(`\
HEALTH   RATE
ok        1.5
    shop / cart
    seen by callers
failing  12.0
    pay  seen by gateway
    flags UF×3
`)
  const long = [row("ok", "x".repeat(60), "1", "callers", "")]
  expect(textTable(columns, long, 30).split("\n").slice(2)).toEqual([
    `    ${"x".repeat(60)}`,
    "    seen by callers",
    "",
  ])
})

test("a sentence below its row is broken between words, and the next text follows where there is room", () => {
  const said = [row("failing", "nobody listens at its address, as far as it can be told", "1", "us", "")]
  expect(textTable(columns, said, 30)).toBe(`\
HEALTH   RATE
failing     1
    nobody listens at its
    address, as far as it can
    be told  seen by us
`)
})

test("a table without such columns stays as it is", () => {
  const plain = columns.map(({ title, align }) => ({ title, align }))
  expect(textTable(plain, rows, 10)).toBe(wide)
})

import { describe, expect, test } from "vitest"
import { parseFull } from "../../agent/decode/stats/full-parse.ts"
import { seriesName } from "../../agent/decode/stats/layout.ts"
import { LayoutPool } from "../../agent/decode/stats/layout-pool.ts"
import { type PageChange, PageReader } from "../../agent/decode/stats/page-reader.ts"
import { capturedPages } from "../fixtures/stats/pages.ts"
import { plainParse } from "../fixtures/stats/plain-parse.ts"

/** Numbers by name; text readouts are left out, their numbers mean nothing but sameness. */
function numbers(change: PageChange): Map<string, number> {
  const { layout, values } = change
  const out = new Map<string, number>()
  for (let line = 0; line < layout.lines; line++) {
    const start = layout.starts[line] ?? 0
    if (layout.text[start] !== 34) out.set(seriesName(layout, line), values[line] ?? 0)
  }
  return out
}

function page(lines: readonly string[]): Buffer {
  return Buffer.from(lines.map((line) => `${line}\n`).join(""), "latin1")
}

function idle(uptime: number, extra: number): Buffer {
  return page([
    ...Array.from({ length: 500 }, (_, index) => `cluster.c${1000 + index}.x: ${index * 3}`),
    `server.extra: ${extra}`,
    `server.uptime: ${uptime}`,
  ])
}

/** Reads the pages one after the other, each checked against the plain parser. */
function readAll(pages: readonly Buffer[], format: "raw" | "prometheus" = "raw"): PageChange["how"][] {
  const reader = new PageReader(format, new LayoutPool())
  return pages.map((one) => {
    const copy = Buffer.from(one)
    const change = reader.read(copy)
    copy.fill(0x7a)
    expect(numbers(change)).toEqual(plainParse(format, one))
    return change.how
  })
}

describe("captured pages of a real Envoy", () => {
  for (const [kind, format] of [
    ["raw", "raw"],
    ["all", "raw"],
    ["prometheus", "prometheus"],
  ] as const) {
    test(`${kind}: walked pages say what a full parse says, and new series patch the layout`, () => {
      const pages = capturedPages(kind)
      expect(pages.length).toBe(8)
      const hows = readAll([...pages, ...pages.toReversed(), ...pages], format)
      // Where all histograms appear at once, half of the Prometheus page is new.
      expect(hows.slice(1).filter((how) => how === "full").length).toBe(kind === "prometheus" ? 3 : 0)
      expect(hows).toContain("patched")
    })
  }

  test("a page is read whole: names and numbers", () => {
    const [first] = capturedPages("raw")
    const change = new PageReader("raw", new LayoutPool()).read(first ?? Buffer.alloc(0))
    const found = numbers(change)
    expect(found.get("cluster.ok.upstream_rq_2xx")).toBe(12)
    expect(found.get("http.egress.downstream_rq_total")).toBe(12)
    expect(found.get("server.live")).toBe(1)
    expect(change.changedCount).toBe(change.layout.lines)
  })

  test("replicas share one layout, and one with other codes has its own", () => {
    const pool = new LayoutPool()
    const [early, , , , late] = capturedPages("raw")
    const readers = [0, 1, 2].map(() => new PageReader("raw", pool))
    for (const reader of readers) reader.read(early ?? Buffer.alloc(0))
    expect(pool.size).toBe(1)
    readers[0]?.read(late ?? Buffer.alloc(0))
    expect(pool.size).toBe(2)
    readers[1]?.read(late ?? Buffer.alloc(0))
    expect(readers[1]?.read(late ?? Buffer.alloc(0)).layout).toBe(
      readers[0]?.read(late ?? Buffer.alloc(0)).layout,
    )
    for (const reader of readers) reader.close()
    expect(pool.size).toBe(0)
    expect(pool.ownPages.bytes).toBe(0)
  })
})

describe("odd pages", () => {
  const base = ['a.version_text: "x y: 1"', "cluster.a.b: 1", "cluster.c.d: 22", "server.uptime: 3"]
  test("a text readout tells only whether it changed", () => {
    const reader = new PageReader("raw", new LayoutPool())
    reader.read(page(base))
    const change = reader.read(page(['a.version_text: "x z: 1"', ...base.slice(1)]))
    expect([change.changedCount, change.changed[0]]).toEqual([1, 0])
  })
  test("widths change, lines come and go at the beginning, in the middle and at the end", () => {
    const hows = readAll([
      page(base),
      page([...base.slice(0, 1), "cluster.a.a: 7", ...base.slice(1)]),
      page(base),
      page(base.slice(1)),
      page(base.slice(0, 3)),
      page([...base, "server.zzz: 9"]),
      page([...base, "server.zzz: 1000"]),
      page(["0: 1", ...base, "server.zzz: 9"]),
    ])
    expect(hows[1]).toBe("patched")
  })
  test("the tail of histograms is passed over, also when it changes or begins", () => {
    const tail = ["cluster.a.rq_time: P0(nan,1) P100(2,3)", "listener.x: No recorded values"]
    const hows = readAll([
      page(base),
      page([...base, ...tail]),
      page([...base, "cluster.b.q: P0(1,1)", ...tail]),
    ])
    expect(hows).toEqual(["full", "walked", "quiet"])
  })
  test("floats, nan, wide sums and numbers beyond 2^53", () => {
    const hows = readAll([
      page(["a: 1.5", "b: nan", "c: 13237225503670494420", "d: 1e+05", "e: 1"]),
      page(["a: 1.7", "b: nan", "c: 13237225503670494421", "d: 1e+06", "e: 2"]),
      page(["a: nan", "b: 12", "c: 1", "d: 12345678.125", "e: nan"]),
    ])
    expect(hows[0]).toBe("full")
  })
  test("an unfinished last line is not read, nor lines with carriage returns", () => {
    const change = new PageReader("raw", new LayoutPool()).read(Buffer.from("a: 1\nb: 2\nc: 34"))
    expect(numbers(change)).toEqual(
      new Map([
        ["a", 1],
        ["b", 2],
      ]),
    )
    expect(parseFull("raw", Buffer.from("a: 1\r\nb: 2\r\n")).layout.lines).toBe(0)
  })
  test("an empty page, and a page after it", () => {
    expect(readAll([Buffer.alloc(0), page(base), Buffer.alloc(0), page(base)]).length).toBe(4)
  })
  test("a family's TYPE line moves to a new first series", () => {
    const fam = ["# TYPE envoy_a counter", 'envoy_a{x="1"} 5', "# TYPE envoy_b gauge", 'envoy_b{x="1"} 6']
    const reader = new PageReader("prometheus", new LayoutPool())
    reader.read(page(fam))
    const change = reader.read(page([fam[0] ?? "", 'envoy_a{x="0"} 1', ...fam.slice(1)]))
    expect(change.how).toBe("patched")
    expect(numbers(change)).toEqual(
      new Map([
        ['envoy_a{x="0"}', 1],
        ['envoy_a{x="1"}', 5],
        ['envoy_b{x="1"}', 6],
      ]),
    )
    expect(change.changedCount).toBe(1)
  })
  test("a nearly idle proxy is read against its own last page", () => {
    const hows = readAll([idle(8, 1), idle(9, 1), idle(10, 1), idle(11, 1), idle(99, 7), idle(100, 7)])
    expect(hows).toEqual(["full", "walked", "quiet", "quiet", "quiet", "quiet"])
  })
})

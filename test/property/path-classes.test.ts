import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { EnvoyRoute, RouteConfig } from "#mesh/proxy.ts"
import { PathClasses } from "../../agent/resolve/route-table/path-classes.ts"
import { RouteTable } from "../../agent/resolve/route-table.ts"

/** Few letters, so that texts meet; with all that normalisation changes. */
const piece = fc.constantFrom(
  "/",
  "a",
  "b",
  "ab",
  ".",
  "..",
  "%61",
  "%",
  "\\",
  "é",
  "?",
  "#",
  "/a/",
  "/b",
  "*",
)
const text = fc.array(piece, { maxLength: 6 }).map((parts) => `/${parts.join("")}`)
const kind = fc.constantFrom("prefix", "path", "path_separated_prefix", "regex", "connect", "other")
const route = fc
  .record({
    kind,
    value: fc.oneof({ weight: 9, arbitrary: text }, { weight: 1, arbitrary: fc.constant("") }),
  })
  .map((match) => routeOf({ ...match, value: match.kind === "regex" ? patternOf(match.value) : match.value }))
/** Bytes, not text: a line may hold what is no UTF-8. */
const path = fc
  .tuple(text, fc.constantFrom("", "?a=/..", "\u00ff", "#/./"))
  .chain(([head, tail]) =>
    fc.boolean().map((latin) => Buffer.from(`${head}${tail}`, latin ? "latin1" : "utf8")),
  )

/** A pattern with a beginning that every match has, and an end that is open. */
const patternOf = (value: string): string => `${value.replaceAll(/[\\.*?]/g, "\\$&")}(a|b/)*`

function routeOf(match: Partial<EnvoyRoute["match"]>): EnvoyRoute {
  return {
    name: "",
    match: {
      kind: "prefix",
      value: "/",
      caseSensitive: true,
      headers: [],
      query: [],
      grpc: false,
      fractional: false,
      ...match,
    },
    action: { kind: "route", clusters: [], retries: 0 },
    requestHeadersToAdd: [],
    tags: {},
  }
}

function classOf(classes: PathClasses, bytes: Buffer): number {
  // Other bytes on both sides, which a walk must not read.
  const line = Buffer.concat([Buffer.from("/a"), bytes, Buffer.from("/b?")])
  return classes.of(new DataView(line.buffer, line.byteOffset, line.byteLength), 2, 2 + bytes.length)
}

describe("classes of paths", () => {
  it("hold paths that lead to the same routes, whatever is done to a path before", () => {
    let alike = 0
    const rules = fc.record({ normalizePath: fc.boolean(), mergeSlashes: fc.boolean() })
    const routes = fc.array(route, { maxLength: 8 })
    const paths = fc.array(path, { minLength: 2, maxLength: 40 })
    fc.assert(
      fc.property(routes, paths, rules, (some, asked, how) => {
        const classes = PathClasses.of(some)
        if (classes === undefined) return
        const config: RouteConfig = {
          name: "t",
          virtualHosts: [{ name: "h", domains: ["*"], routes: some }],
        }
        const table = new RouteTable(config, how)
        const answers = new Map<number, string>()
        for (const bytes of asked) {
          const found = classOf(classes, bytes)
          if (found < 0) continue
          const answer = answerText(table, bytes.toString("utf8"))
          if (answers.has(found)) alike += 1
          expect(answers.get(found) ?? answer).toBe(answer)
          answers.set(found, answer)
        }
      }),
      { numRuns: 3000 },
    )
    expect(alike).toBeGreaterThan(1000)
  })

  it("are few, however many paths are asked for", () => {
    const classes = PathClasses.of(
      ["/", "/api/v1/", "/api/v2/", "/apiary"].map((value) => routeOf({ value })),
    )
    const seen = new Set<number>()
    for (let index = 0; index < 5000; index += 1) {
      const asked = ["/", "/api/v1/", "/api/v2/x", "/apiary/", "/apple"].map((begin) => `${begin}${index}`)
      for (const one of asked) seen.add(classes === undefined ? -1 : classOf(classes, Buffer.from(one)))
    }
    expect(seen.size).toBeLessThanOrEqual(3 * 7)
  })

  it("are none of paths that a proxy would change, and of those that a pattern may take", () => {
    const classes = PathClasses.of([
      routeOf({ value: "/a/" }),
      routeOf({ kind: "regex", value: "/b/[0-9]+" }),
    ])
    const classed = (one: string): boolean => classes !== undefined && classOf(classes, Buffer.from(one)) >= 0
    expect(["/a/x", "/a/x?y=/../%41", "/c", "", "/a/x.js", "/b"].map(classed)).not.toContain(false)
    expect(
      ["/a//x", "/a/./x", "/a/../x", "/a/%41", "/a\\x", "/a/é", "/b/1", "/b/x"].map(classed),
    ).not.toContain(true)
  })

  it("are not asked where a route looks at more of a path", () => {
    const query = { name: "q" }
    const header = { name: ":path", match: { exact: "/x" }, invert: false, treatMissingAsEmpty: false }
    const rewriting: EnvoyRoute = {
      ...routeOf({}),
      action: { kind: "route", clusters: [], retries: 0, prefixRewrite: "/" },
    }
    const more = [
      routeOf({ query: [query] }),
      routeOf({ headers: [header] }),
      routeOf({ caseSensitive: false }),
      routeOf({ kind: "regex", value: ".*x" }),
      rewriting,
    ]
    expect(more.map((one) => PathClasses.of([routeOf({}), one]))).toEqual(more.map(() => undefined))
  })

  it("do not mind how deep a configuration nests", () => {
    const deep = Array.from({ length: 3000 }, (_, index) => routeOf({ value: `/${"a".repeat(index)}` }))
    const classes = PathClasses.of(deep)
    expect(classes === undefined ? -1 : classOf(classes, Buffer.from(`/${"a".repeat(5000)}`))).toBe(
      3000 * 3 + 2,
    )
  })
})

function answerText(table: RouteTable, asked: string): string {
  const view = { authority: "h", path: asked, method: "GET", queryLogged: true, header: () => undefined }
  const answer = table.match(view)
  if (answer.kind === "unmatched") return "unmatched"
  return (answer.kind === "row" ? [answer.row] : answer.rows).map(({ order }) => order).join(",")
}

import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { EnvoyHeaderMatch, EnvoyRoute, RouteConfig, VirtualHost } from "#mesh/proxy.ts"
import type { RequestView } from "../../agent/resolve/route-table/conditions.ts"
import { RouteTable } from "../../agent/resolve/route-table.ts"

/** The plain truth: every row in order, no index; three-valued where a header is not known. */
type Truth = "no" | "maybe" | "yes"

function longest(list: readonly { host: VirtualHost; domain: string }[]): VirtualHost | undefined {
  return list.toSorted((a, b) => b.domain.length - a.domain.length)[0]?.host
}

function naiveHost(config: RouteConfig, authority: string): VirtualHost | undefined {
  const text = authority.toLowerCase()
  const all = config.virtualHosts.flatMap((host) =>
    host.domains.map((domain) => ({ host, domain: domain.toLowerCase() })),
  )
  const exact = all.find(({ domain }) => domain === text)
  if (exact !== undefined) return exact.host
  const suffix = all.filter(
    ({ domain }) =>
      domain.length > 1 &&
      domain.startsWith("*") &&
      text.endsWith(domain.slice(1)) &&
      text.length >= domain.length,
  )
  const prefix = all.filter(
    ({ domain }) =>
      domain.length > 1 &&
      domain.endsWith("*") &&
      !domain.startsWith("*") &&
      text.startsWith(domain.slice(0, -1)) &&
      text.length >= domain.length,
  )
  return longest(suffix) ?? longest(prefix) ?? all.find(({ domain }) => domain === "*")?.host
}

function naiveHeader(header: EnvoyHeaderMatch, view: RequestView): Truth {
  const value = header.name === ":method" ? view.method : view.header(header.name)
  if (value === undefined) return "maybe"
  const holds = header.match === undefined ? value !== null : value === header.match.exact
  return holds === header.invert ? "no" : "yes"
}

function naiveRow({ match }: EnvoyRoute, view: RequestView): Truth {
  const path = (view.path ?? "").split(/[?#]/, 1)[0] ?? ""
  const fold = (text: string): string => (match.caseSensitive ? text : text.toLowerCase())
  const [have, want] = [fold(path), fold(match.value)]
  const holds = {
    prefix: () => have.startsWith(want),
    path: () => have === want,
    path_separated_prefix: () => have === want || have.startsWith(`${want}/`),
    regex: () => new RegExp(`^(?:${match.value})$`).test(path),
    connect: () => false,
    other: () => false,
  }[match.kind]()
  if (!holds) return "no"
  const truths = new Set(match.headers.map((header) => naiveHeader(header, view)))
  if (truths.has("no")) return "no"
  return truths.has("maybe") || match.fractional ? "maybe" : "yes"
}

function naive(config: RouteConfig, view: RequestView, cluster: string | undefined): EnvoyRoute[] {
  const host = naiveHost(config, view.authority ?? "")
  const rows: EnvoyRoute[] = []
  for (const route of host?.routes ?? []) {
    const { action } = route
    if (
      cluster !== undefined &&
      !(action.kind === "route" && action.clusters.some(({ name }) => name === cluster))
    )
      continue
    const truth = naiveRow(route, view)
    if (truth === "no") continue
    rows.push(route)
    if (truth === "yes") return rows
  }
  return rows
}

const segments = ["a", "b", "api", "API", "v1", "v10"]
const path = fc
  .array(fc.constantFrom(...segments, ""), { minLength: 1, maxLength: 4 })
  .map((parts) => `/${parts.join("/")}`)
const header: fc.Arbitrary<EnvoyHeaderMatch> = fc.record({
  name: fc.constantFrom(":method", "x-canary", "x-user"),
  match: fc.record({ exact: fc.constantFrom("GET", "POST", "v2") }),
  invert: fc.boolean(),
  treatMissingAsEmpty: fc.constant(false),
})
type Kind = EnvoyRoute["match"]["kind"]
type Parts = Pick<EnvoyRoute["match"], "kind" | "caseSensitive" | "headers" | "fractional"> & {
  path: string
  tail: string
}

function madeMatch({
  kind,
  path: value,
  tail,
  caseSensitive,
  headers,
  fractional,
}: Parts): EnvoyRoute["match"] {
  const bare = kind === "path_separated_prefix" ? value.replace(/\/$/, "") : value
  return {
    kind,
    value: kind === "regex" ? value + tail : bare,
    caseSensitive: caseSensitive || kind === "regex",
    headers,
    fractional,
    query: [],
    grpc: false,
  }
}

const match: fc.Arbitrary<EnvoyRoute["match"]> = fc
  .record({
    kind: fc.constantFrom<Kind>("prefix", "path", "path_separated_prefix", "regex"),
    path,
    caseSensitive: fc.boolean(),
    headers: fc.array(header, { maxLength: 2 }),
    fractional: fc.integer({ min: 0, max: 9 }).map((one) => one === 0),
    tail: fc.constantFrom("", ".*", "[a-z]+", "(?:/x)?", "(a|b|api)/v1"),
  })
  .map(madeMatch)
const route: fc.Arbitrary<EnvoyRoute> = fc.record({
  name: fc.constant(""),
  match,
  action: fc.record({
    kind: fc.constant("route" as const),
    clusters: fc.array(fc.record({ name: fc.constantFrom("one", "two", "three"), weight: fc.nat(2) }), {
      minLength: 1,
      maxLength: 2,
    }),
    retries: fc.constant(0),
  }),
  requestHeadersToAdd: fc.constant([]),
  tags: fc.constant({}),
})
const domains = ["shop.local", "*.local", "*-x.local", "shop.*", "shop.lo*", "*", "Shop.Local:80", "other"]
const config: fc.Arbitrary<RouteConfig> = fc
  .tuple(
    fc.array(fc.array(route, { maxLength: 12 }), { minLength: 1, maxLength: 5 }),
    fc.shuffledSubarray(domains, { minLength: 3 }),
  )
  .map(([hosts, names]) => ({
    name: "rds",
    virtualHosts: hosts.map((routes, index) => ({
      name: `host-${index}`,
      domains: names.filter((_, at) => at % hosts.length === index),
      routes,
    })),
  }))
const known = fc.constantFrom<string | null | undefined>("v2", "other", null, undefined)
const view = fc.record({
  authority: fc.constantFrom(
    "shop.local",
    "SHOP.local:80",
    "a-x.local",
    "b.local",
    "shop.net",
    "nowhere",
    ".local",
    "other",
  ),
  path: fc.tuple(path, fc.constantFrom("", "?q=1", "#f", "/?x")).map(([head, tail]) => head + tail),
  method: fc.constantFrom("GET", "POST"),
  canary: known,
  user: known,
})

describe("route table", () => {
  it("finds what a walk over all rows in Envoy's order finds", () => {
    fc.assert(
      fc.property(config, view, fc.constantFrom(undefined, "one", "two"), (routes, asked, cluster) => {
        const question: RequestView = {
          ...asked,
          queryLogged: true,
          header: (name) => (name === "x-canary" ? asked.canary : name === "x-user" ? asked.user : undefined),
        }
        const table = new RouteTable(routes, { normalizePath: false, mergeSlashes: false })
        const leads =
          cluster === undefined
            ? {}
            : {
                leads: ({ route: { action } }: { route: EnvoyRoute }) =>
                  action.kind === "route" && action.clusters.some(({ name }) => name === cluster),
              }
        const answer = table.match(question, leads)
        const rows = naive(routes, question, cluster)
        const kind = rows.length === 0 ? "unmatched" : rows.length === 1 ? "row" : "ambiguous"
        const found = answer.kind === "row" ? [answer.row] : answer.kind === "ambiguous" ? answer.rows : []
        expect([answer.kind, found.map((row) => row.route)]).toEqual([kind, rows])
        expect(answer.kind === "unmatched" ? answer.host : undefined).toBe(
          rows.length === 0 ? naiveHost(routes, asked.authority) : undefined,
        )
      }),
      { numRuns: 3000 },
    )
  })

  it("never answers a certain row where a request may have found none, when asked to tell", () => {
    const only: EnvoyHeaderMatch = {
      name: "x-user",
      match: { exact: "1" },
      invert: false,
      treatMissingAsEmpty: false,
    }
    const routes: RouteConfig = {
      name: "rds",
      virtualHosts: [
        {
          name: "h",
          domains: ["*"],
          routes: [
            {
              name: "",
              match: {
                kind: "prefix",
                value: "/",
                caseSensitive: true,
                headers: [only],
                query: [],
                grpc: false,
                fractional: false,
              },
              action: { kind: "direct", status: 200 },
              requestHeadersToAdd: [],
              tags: {},
            },
          ],
        },
      ],
    }
    const table = new RouteTable(routes, { normalizePath: true, mergeSlashes: true })
    const question = { authority: "a", path: "/", method: "GET", queryLogged: true, header: () => undefined }
    expect(table.match(question).kind).toBe("row")
    expect(table.match(question, { mayBeUnmatched: true }).kind).toBe("ambiguous")
  })
})

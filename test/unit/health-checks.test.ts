import { describe, expect, test } from "vitest"
import { HealthChecks } from "../../agent/resolve/health-checks.ts"
import type { EnvoyRoute } from "../../mesh/proxy.ts"
import { factOf } from "../fixtures/config-dump/fact.ts"

type Texts = Parameters<typeof factOf>[0]

const route = (prefix: string, prefixRewrite?: string): EnvoyRoute => ({
  name: "",
  match: {
    kind: "prefix",
    value: prefix,
    caseSensitive: true,
    headers: [],
    query: [],
    grpc: false,
    fractional: false,
  },
  action: {
    kind: "route",
    clusters: [{ name: "c", weight: 1 }],
    retries: 0,
    ...(prefixRewrite === undefined ? {} : { prefixRewrite }),
  },
  requestHeadersToAdd: [],
  tags: {},
})

const sidecar = new HealthChecks(["/health"])
const anyPath = new HealthChecks([])
const rewriting = new HealthChecks(["/health"], {}, [route("/api", "/"), route("/", "/")])
const keeping = new HealthChecks(["/health"], {}, [route("/")])
const userAgent = "Envoy/HC"

describe("what a health check is", () => {
  test.each<[string, HealthChecks, Texts, boolean]>([
    ["agent and path", sidecar, { userAgent, path: "/health" }, true],
    ["a query does not matter", sidecar, { userAgent, path: "/health?a=b" }, true],
    ["another path", sidecar, { userAgent, path: "/shop" }, false],
    ["a path that only begins so", sidecar, { userAgent, path: "/healthz" }, false],
    ["another agent", sidecar, { userAgent: "curl/8", path: "/health" }, false],
    ["no path declared: the agent alone", anyPath, { userAgent, path: "/shop" }, true],
    [
      "sidecar: a forged original path hides nothing",
      sidecar,
      { userAgent, path: "/shop", originalPath: "/health" },
      false,
    ],
    [
      "sidecar: nor does it unhide a check",
      sidecar,
      { userAgent, path: "/health", originalPath: "/shop" },
      true,
    ],
    ["gateway: what Envoy rewrote", rewriting, { userAgent, path: "/health", originalPath: "/health" }, true],
    [
      "gateway: another path that became it",
      rewriting,
      { userAgent, path: "/health", originalPath: "/api/health" },
      false,
    ],
    [
      "gateway that rewrites nothing: a forged original path",
      keeping,
      { userAgent, path: "/shop", originalPath: "/health" },
      false,
    ],
    ["one path of two", sidecar, { userAgent, eitherPath: "/health" }, true],
  ])("%s", (_, checks, texts, wanted) => {
    expect(checks.takes(factOf(texts))).toBe(wanted)
  })

  test.each<[string, HealthChecks, Texts, boolean]>([
    ["both paths are logged", sidecar, { path: "/health" }, false],
    ["one of two at a sidecar", sidecar, { eitherPath: "/health" }, true],
    ["one of two where no path decides", anyPath, { eitherPath: "/health" }, false],
    ["one of two where every route rewrites", rewriting, { eitherPath: "/health" }, false],
    ["one of two where a route keeps the path", keeping, { eitherPath: "/health" }, true],
  ])("could be forged: %s", (_, checks, texts, wanted) => {
    expect(checks.forgeable(factOf(texts))).toBe(wanted)
  })
})

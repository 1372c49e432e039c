import type { Behaviours } from "./apps/behaviour.ts"
import { pick, type Random } from "./random.ts"

/** One kind of request, and how it goes. */
export interface Scenario {
  readonly name: string
  /** Share in a plan that shall meet every case, and in the demo's everyday traffic. */
  readonly weights: { readonly all: number; readonly everyday: number }
  /** Needs the resources of yelb-extended.yaml. */
  readonly extended?: true
  make(random: Random): Shape
}

export interface Shape {
  readonly path: string
  readonly method?: "GET" | "POST"
  readonly body?: string
  readonly canary?: true
  readonly behaviours?: Behaviours
  /** The generator leaves once an application holds the request. */
  readonly abort?: true
  readonly userAgent?: string
  /** Straight to a pod of a node whose name contains this, instead of through the gateway. */
  readonly direct?: string
}

const VERBS = ["getvotes", "pageviews", "getstats", "outback", "ihop", "bucadibeppo", "chipotle"] as const
const RESTAURANTS = ["outback", "ihop", "bucadibeppo", "chipotle"] as const
/** The two ways to the appserver: through the ui, and by the gateway's own route with its rewrite. */
const WAYS = ["/vote/", "/api/api/"] as const
const either = (random: Random, verb: string): string => `${pick(random, WAYS)}${verb}`

const APP = "yelb-appserver"
const UI = "yelb-ui"
const app = (behaviour: Behaviours[string]): Behaviours => ({ [APP]: behaviour })
const ui = (behaviour: Behaviours[string]): Behaviours => ({ [UI]: behaviour })
const recommend = (behaviour: Behaviours[string]): Behaviours => ({ "yelb-recommend": behaviour })

function scenario(name: string, all: number, everyday: number, make: (random: Random) => Shape): Scenario {
  return { name, weights: { all, everyday }, make }
}
const extended = (plain: Scenario): Scenario => ({ ...plain, extended: true })

export const SCENARIOS: readonly [Scenario, ...Scenario[]] = [
  scenario("page", 12, 25, () => ({ path: "/" })),
  scenario("vote", 14, 30, (random) => ({ path: `/vote/${pick(random, VERBS)}` })),
  scenario("api", 14, 20, (random) => ({ path: `/api/api/${pick(random, VERBS)}` })),
  scenario("post", 4, 4, (random) => ({
    path: either(random, pick(random, RESTAURANTS)),
    method: "POST",
    body: "x".repeat(Math.floor(random() * 2000)),
  })),
  scenario("hostname", 5, 8, (random) => ({ path: either(random, "hostname") })),
  scenario("query", 2, 2, (random) => ({
    path: `${either(random, "ihop")}?from=${Math.floor(random() * 100)}`,
  })),
  scenario("missing", 4, 2, (random) => ({ path: either(random, "nothing") })),
  scenario("ui-error", 2, 0.2, () => ({ path: "/", behaviours: ui({ status: 500 }) })),
  scenario("ui-once", 2, 0.5, () => ({ path: "/", behaviours: ui({ status: 503, first: 1 }) })),
  scenario("app-error", 3, 0.3, (random) => ({
    path: either(random, "ihop"),
    behaviours: app({ status: pick(random, [500, 502, 503]) }),
  })),
  scenario("app-refuses", 2, 0.5, (random) => ({
    path: either(random, "outback"),
    behaviours: app({ status: pick(random, [400, 401, 429]) }),
  })),
  scenario("flaky", 5, 1, (random) => ({
    path: either(random, "chipotle"),
    behaviours: app({ status: 503, first: pick(random, [1, 2]) }),
  })),
  scenario("conflict", 1, 0.2, (random) => ({
    path: either(random, "ihop"),
    behaviours: app({ status: 409, first: 1 }),
  })),
  scenario("cut-before", 2, 0.1, (random) => ({
    path: either(random, "ihop"),
    behaviours: app(pick(random, [{ cut: "before" }, { cut: "before", first: 1 }] as const)),
  })),
  scenario("cut-after", 2, 0, (random) => ({
    path: either(random, "outback"),
    behaviours: app({ cut: "after" }),
  })),
  scenario("slow", 2, 2, (random) => ({
    path: either(random, "pageviews"),
    behaviours: app({ delayMs: 20 + Math.floor(random() * 100) }),
  })),
  scenario("abort", 3, 0.3, (random) => ({
    path: either(random, "ihop"),
    behaviours: app({ hold: true }),
    abort: true,
  })),
  scenario("abort-ui", 1, 0.2, () => ({ path: "/", behaviours: ui({ hold: true }), abort: true })),
  scenario("undeclared", 1, 0, () => ({ path: "/undeclared" })),
  scenario("load-balancer", 2, 3, () => ({ path: "/", userAgent: "ELB-HealthChecker/2.0" })),
  scenario("health-check", 2, 0, (random) => ({
    path: "/",
    userAgent: "Envoy/HC",
    direct: pick(random, [UI, APP]),
  })),
  extended(
    scenario("canary", 5, 8, (random) => ({ path: either(random, pick(random, VERBS)), canary: true })),
  ),
  extended(
    scenario("timeout", 2, 0.1, (random) => ({
      path: either(random, "hostname"),
      behaviours: app({ hold: true }),
    })),
  ),
  extended(
    scenario("try-timeout", 1, 0.1, (random) => ({
      path: either(random, "getvotes"),
      behaviours: app({ hold: true, first: 1 }),
    })),
  ),
  extended(scenario("grpc", 6, 8, () => ({ path: "/recommend/Top" }))),
  extended(
    scenario("grpc-status", 3, 0.2, (random) => ({
      path: "/recommend/Top",
      behaviours: recommend({ grpcStatus: pick(random, [3, 5, 13]) }),
    })),
  ),
  extended(
    scenario("grpc-unavailable", 2, 0.1, (random) => ({
      path: "/recommend/Top",
      behaviours: recommend(pick(random, [{ grpcStatus: 14 }, { grpcStatus: 14, first: 1 }] as const)),
    })),
  ),
  extended(
    scenario("grpc-abort", 1, 0.1, () => ({
      path: "/recommend/Top",
      behaviours: recommend({ hold: true }),
      abort: true,
    })),
  ),
  extended(scenario("empty", 1, 0, () => ({ path: "/empty" }))),
]

import { pickWeighted, seeded } from "../../../demo/random.ts"
import { REVIEWS, WEB } from "../../fixtures/istio/shop.ts"
import { type Counts, countsOf, type Labels } from "../rig/counts.ts"
import type { Call } from "../rig/envoys.ts"

export const NAMES = [
  "reporter",
  "virtual_service",
  "virtual_router",
  "route",
  "source",
  "virtual_node",
  "code_class",
  "outcome",
]

interface Kind {
  readonly weight: number
  readonly call: Call
  /** What the front's side is to tell of it; the node of a weighted route is told by what the applications served. */
  readonly told: Labels
  /** It reaches the sidecar of `web`. */
  readonly arrives?: boolean
}

const web = { virtual_service: WEB, virtual_router: "web.shop" }
const ok = { code_class: "2xx", outcome: "ok" }
const failed = { code_class: "5xx", outcome: "error" }

const KINDS: readonly [Kind, ...Kind[]] = [
  {
    weight: 5,
    call: { path: "/a", host: "web" },
    told: { ...web, route: "main", virtual_node: WEB, ...ok },
    arrives: true,
  },
  {
    weight: 2,
    call: { path: "/b?code=500", host: "web.shop" },
    told: { ...web, route: "main", virtual_node: WEB, ...failed },
    arrives: true,
  },
  {
    weight: 2,
    call: { path: "/c?code=404", host: "web" },
    told: { ...web, route: "main", virtual_node: WEB, code_class: "4xx", outcome: "client_error" },
    arrives: true,
  },
  // Aborted by the fault filter; the header that decides is not logged.
  {
    weight: 2,
    call: { path: "/c", host: "web", headers: { "x-canary": "yes" } },
    told: { ...web, route: "canary", virtual_node: WEB, ...failed },
  },
  {
    weight: 1,
    call: { path: "/old", host: "web" },
    told: { ...web, route: "moved", code_class: "3xx", outcome: "ok" },
  },
  {
    weight: 2,
    call: { path: "/v2/x", host: "reviews" },
    told: {
      virtual_service: REVIEWS,
      virtual_router: "reviews.shop",
      route: "http[0]",
      virtual_node: `${REVIEWS}/v2`,
      ...ok,
    },
  },
  {
    weight: 1,
    call: { path: "/", host: "plain" },
    told: {
      virtual_service: "plain.shop.svc.cluster.local",
      virtual_node: "plain.shop.svc.cluster.local",
      ...failed,
    },
  },
  {
    weight: 1,
    call: { path: "/", host: "example.org" },
    told: { virtual_service: "(undeclared)", route: "(unmatched)", virtual_node: "(undeclared)", ...failed },
  },
]

export interface Plan {
  readonly calls: readonly Call[]
  /** Requests by `NAMES` as both sides should tell them. */
  readonly truth: Counts
  /** The same before it is summed up. */
  readonly rows: readonly (readonly [Labels, number])[]
}

export function planOf(
  seed: number,
  calls: number,
  names: { readonly front: string; readonly web: string },
): Plan {
  const random = seeded(seed)
  const kinds = Array.from({ length: calls }, () => pickWeighted(random, KINDS))
  const rows = kinds.flatMap(({ told, arrives }): [Labels, number][] => {
    const { code_class = "", outcome = "" } = told
    const left = { reporter: "source", source: names.front, ...told }
    const arrived = { reporter: "destination", virtual_node: names.web, code_class, outcome }
    return arrives === true
      ? [
          [left, 1],
          [arrived, 1],
        ]
      : [[left, 1]]
  })
  return { calls: kinds.map((kind) => kind.call), truth: countsOf(rows, NAMES), rows }
}

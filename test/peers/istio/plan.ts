import { pickWeighted, seeded } from "../../../demo/random.ts"
import type { TruthRow } from "../../../demo/truth.ts"
import type { Call } from "../../live/rig/envoys.ts"
import { CALLS, ENTRANCE, FRONT, LEGACY, PAYMENTS, SITE, WEB } from "./places.ts"

/** One way to ask, and what the first Envoy on the way is to tell of it. */
export interface Kind {
  readonly weight: number
  readonly at: typeof CALLS
  readonly call: Call
  readonly told: Pick<TruthRow, "outcome" | "code"> & Partial<TruthRow>
  /** Whoever answered is the node. */
  readonly weighted?: boolean
  /** As Envoy writes it; absent: `-`. */
  readonly flag?: string
}

const WELL = { outcome: "ok", code: 200 } as const
const FAILED = { outcome: "error", code: 500 } as const
const AWAY = { outcome: "error", code: 503 } as const
const MOVED = { outcome: "ok", code: 301 } as const

type Rest = Partial<Pick<Kind, "weighted" | "flag">>

const call = (weight: number, host: string, path: string, told: Kind["told"], rest: Rest = {}): Kind => ({
  weight,
  at: CALLS,
  call: { host, path },
  told: { reporter: "source", source: FRONT, ...told },
  ...rest,
})

const web = (route: string, subset: string) => ({
  virtualService: WEB,
  virtualRouter: "web.shop",
  route,
  virtualNode: subset === "" ? "" : `${WEB}/${subset}`,
})

const visit = (
  weight: number,
  path: string,
  gatewayRoute: string,
  told: Kind["told"],
  rest: Rest = {},
): Kind => ({
  weight,
  at: ENTRANCE,
  call: { host: "shop.test", path },
  told: { reporter: "gateway", virtualGateway: SITE, gatewayRoute, virtualService: "shop.test", ...told },
  ...rest,
})

const beta = call(4, "web", "/", { ...web("beta", "v2"), ...WELL })

const KINDS: readonly [Kind, ...Kind[]] = [
  call(20, "web", "/shop", { ...web("split", ""), ...WELL }, { weighted: true }),
  call(
    3,
    "web:9080",
    "/shop/a?code=404",
    { ...web("split", ""), outcome: "client_error", code: 404 },
    { weighted: true },
  ),
  call(
    3,
    "web.shop.svc.cluster.local",
    "/shop/b?code=500",
    { ...web("split", ""), ...FAILED },
    { weighted: true },
  ),
  // By a header that no log holds: the route's name tells.
  { ...beta, call: { ...beta.call, headers: { "x-beta": "yes" } } },
  call(3, "web.shop", "/beta/x", { ...web("beta", "v2"), ...WELL }),
  call(3, "web", "/broken/1", { ...web("broken", "v1"), ...AWAY }, { flag: "FI" }),
  call(2, "web", "/old", { ...web("moved", ""), ...MOVED }),
  call(3, "web", "/empty", { ...web("empty", "v3"), ...AWAY }, { flag: "UH" }),
  call(3, "web", "/again?code=500", { ...web("again", "v2"), ...FAILED }, { flag: "URX" }),
  call(2, "web", "/again", { ...web("again", "v2"), ...WELL }),
  call(1, "web", "/slow?wait=900", { ...web("slow", "v1"), outcome: "error", code: 504 }, { flag: "UT" }),
  call(2, "web", "/slow", { ...web("slow", "v1"), ...WELL }),
  call(6, "web", "/other", { ...web("http[7]", "v1"), ...WELL }),
  call(2, "front", "/self", { virtualService: FRONT, virtualNode: FRONT, ...WELL }),
  call(3, "legacy", "/", { virtualService: LEGACY, virtualNode: LEGACY, ...WELL }),
  call(3, PAYMENTS, "/pay", { virtualService: PAYMENTS, virtualNode: PAYMENTS, ...WELL }),
  call(
    2,
    "example.org",
    "/",
    { virtualService: "(undeclared)", route: "(unmatched)", virtualNode: "(undeclared)", ...AWAY },
    { flag: "UH" },
  ),
  visit(10, "/api/1", "site.shop/api", { virtualNode: `${WEB}/v2`, ...WELL }),
  visit(3, "/api/2?code=500", "site.shop/api", { virtualNode: `${WEB}/v2`, ...FAILED }),
  visit(2, "/sale", "site.shop/sale", MOVED),
  visit(2, "/down", "site.shop/down", { virtualNode: `${WEB}/v1`, ...FAILED }, { flag: "FI" }),
  visit(6, "/pages/1", "site.shop/http[3]", { virtualNode: FRONT, ...WELL }),
  visit(
    2,
    "/none",
    "(unmatched)",
    { virtualService: "", outcome: "client_error", code: 404 },
    { flag: "NR" },
  ),
]

/** Each kind at least once, then by weight; in an order that the seed decides. */
export function planOf(seed: number, calls: number): readonly Kind[] {
  const random = seeded(seed)
  const rest = Array.from({ length: calls - KINDS.length }, () => pickWeighted(random, KINDS))
  const keyed = [...KINDS, ...rest].map((kind) => ({ kind, key: random() }))
  return keyed.toSorted((a, b) => a.key - b.key).map(({ kind }) => kind)
}

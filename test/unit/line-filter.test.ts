import { createHash } from "node:crypto"
import { expect, test } from "vitest"
import { makeLineFilter } from "../../agent/publish/lines/line-filter.ts"
import { factOf, resolutionOf } from "./line-facts.ts"

const uuid = (index: number): string => {
  const hex = createHash("sha256").update(String(index)).digest("hex")
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
const request = (requestId: string | undefined, code = 200) => factOf({ requestId }, { code })

test.each([
  ["a 404", { code: 404 }, {}],
  ["a redirect", { code: 301 }, {}],
  ["an error", { code: 503, flags: "UF" }, {}],
  ["a request that was given up", { code: 200, flags: "DC" }, {}],
  ["a gRPC call that failed", { code: 200, grpcStatus: 14 }, { protocol: 2 }],
  ["a connection", { kind: "tcp" as const, code: 0 }, { kind: "tcp" as const }],
  ["a health check that failed", { code: 503 }, { kind: "health_check" as const }],
  ["no code", { code: 0 }, {}],
])("%s is always kept", (_, numbers, resolution) => {
  const filter = makeLineFilter({ healthChecks: "drop", sample2xx: 0 })
  expect(filter.passes(factOf({ requestId: uuid(1) }, numbers), resolutionOf(resolution))).toBe(true)
  expect(filter.leftOut).toEqual({ health_check: 0, sampled: 0 })
})

test("health checks that went well are left out, unless they are wanted", () => {
  const check = resolutionOf({ kind: "health_check" })
  const dropping = makeLineFilter({ healthChecks: "drop", sample2xx: 1 })
  expect(dropping.passes(request(uuid(1)), check)).toBe(false)
  expect(dropping.leftOut).toEqual({ health_check: 1, sampled: 0 })
  expect(makeLineFilter({ healthChecks: "keep", sample2xx: 1 }).passes(request(uuid(1)), check)).toBe(true)
})

test("every line is kept, or left out and counted", () => {
  const filter = makeLineFilter({ healthChecks: "drop", sample2xx: 0.25 })
  let kept = 0
  for (let index = 0; index < 20_000; index++) if (filter.passes(request(uuid(index)), resolutionOf())) kept++
  expect(kept + filter.leftOut.sampled).toBe(20_000)
  expect(Math.abs(kept - 5000)).toBeLessThan(250)
})

test("caller and callee agree, though a proxy on the way wrote into the id why it traces", () => {
  const caller = makeLineFilter({ healthChecks: "drop", sample2xx: 0.5 })
  const callee = makeLineFilter({ healthChecks: "drop", sample2xx: 0.5 })
  const ids = Array.from({ length: 500 }, (_, index) => uuid(index))
  const seen = ids.map((id) => caller.passes(request(id), resolutionOf()))
  const traced = ids.map((id) => `${id.slice(0, 14)}9${id.slice(15)}`)
  expect(traced.map((id) => callee.passes(request(id), resolutionOf()))).toEqual(seen)
})

test("a larger share keeps what a smaller one kept", () => {
  const less = makeLineFilter({ healthChecks: "drop", sample2xx: 0.1 })
  const more = makeLineFilter({ healthChecks: "drop", sample2xx: 0.3 })
  for (let index = 0; index < 2000; index++) {
    const fact = request(uuid(index))
    const kept = less.passes(fact, resolutionOf())
    expect(more.passes(fact, resolutionOf()) || !kept).toBe(true)
  }
})

const thousand = (traceId: string | undefined) => {
  const filter = makeLineFilter({ healthChecks: "drop", sample2xx: 0.2 })
  return Array.from({ length: 1000 }, () => filter.passes(factOf({ traceId }, { code: 204 }), resolutionOf()))
}

test("without a request id the trace decides, and without both every so many is kept", () => {
  expect(thousand(undefined).filter(Boolean)).toHaveLength(200)
  expect(new Set(thousand("4bf92f3577b34da6a3ce929d0e0e4736")).size).toBe(1)
})

test("nothing and everything", () => {
  const none = makeLineFilter({ healthChecks: "keep", sample2xx: 0 })
  const all = makeLineFilter({ healthChecks: "keep", sample2xx: 1 })
  for (let index = 0; index < 1000; index++) {
    expect(none.passes(request(uuid(index)), resolutionOf())).toBe(false)
    expect(all.passes(request(uuid(index)), resolutionOf())).toBe(true)
  }
  expect(none.passes(request(undefined), resolutionOf())).toBe(false)
})

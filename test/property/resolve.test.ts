import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type AccessFact, FIELD_COUNT, Field, makeAccessFact } from "#mesh/access.ts"
import { DOUBTS, makeInterner } from "#mesh/request.ts"
import { declaredFixture, resolvingFor, told } from "../fixtures/config-dump/resolving.ts"

const { mesh } = declaredFixture("yelb.yaml")
const interner = makeInterner()
const resolvings = ["yelb-ui-virtual-node", "yelb-appserver-virtual-node", "yelb-gateway_yelb"].map((name) =>
  resolvingFor(mesh, name, { interner }),
)

/** Texts that stand in lines, whole, cut and spoilt. */
const words = [
  "GET",
  "/api/getvotes?x=1",
  "yelb-appserver",
  "yelb-ui:15001",
  "cds_egress_yelb_yelb-appserver-virtual-node_http_4567",
  "cds_ingress_yelb_yelb-gateway_yelb_self_redirect_http_15001",
  "cds_egress_yelb_mesh-allow-all",
  "10.0.0.67:80",
  "127.0.0.1:15001",
  "[::1]:80",
  ":",
  "",
  "Envoy/HC",
  "HTTP/2",
  "application/grpc",
  "__proto__",
]
const value = fc.oneof(
  fc.constantFrom(...words).map((word) => Buffer.from(word)),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom(...words)
    .chain((word) => fc.nat(word.length).map((end) => Buffer.from(word.slice(0, end)))),
)
const number = fc.integer({ min: -1, max: 2 ** 31 - 1 })

const facts = fc
  .record({
    values: fc.array(fc.option(value, { nil: undefined }), {
      minLength: FIELD_COUNT,
      maxLength: FIELD_COUNT,
    }),
    kind: fc.constantFrom("http" as const, "tcp" as const),
    flags: number,
    grpcStatus: number,
    code: number,
    doubtful: fc.boolean(),
  })
  .map(({ values, ...rest }) => {
    const fact = makeAccessFact()
    let at = 0
    for (const [index, bytes] of values.entries()) {
      if (bytes === undefined) continue
      fact.spans.set([at, at + bytes.length], index * 2)
      at += bytes.length
    }
    return Object.assign(fact, rest, { bytes: Buffer.concat(values.filter((one) => one !== undefined)) })
  })

/** A line whose cluster, path and host nobody configured. */
function inventedLine(index: number): AccessFact {
  const made = makeAccessFact()
  const cluster = `cds_egress_yelb_invented-${index}_http_80`
  made.bytes = Buffer.from(`${cluster} /path/${index} host-${index}.local`)
  const ends = [cluster.length, made.bytes.indexOf(" host")] as const
  made.spans.set([0, ends[0]], Field.upstreamCluster * 2)
  made.spans.set([ends[0] + 1, ends[1]], Field.path * 2)
  made.spans.set([ends[1] + 1, made.bytes.length], Field.authority * 2)
  return made
}

describe("a resolver", () => {
  it("answers any line, the same again, and keeps no more than the configuration names", () => {
    const rows = new Set<number>()
    const targets = new Set<number>()
    fc.assert(
      fc.property(fc.constantFrom(...resolvings), facts, ({ resolver }, fact) => {
        const first = told(resolver.resolve(fact))
        const again = resolver.resolve(fact)
        expect(told(again)).toBe(first)
        expect([...DOUBTS, undefined]).toContain(again.doubt)
        rows.add(again.row.id)
        targets.add(again.target.id)
      }),
      { numRuns: 5000 },
    )
    // Yelb has 5 nodes, 4 services, 2 gateway routes and 1 route.
    expect(rows.size).toBeLessThan(40)
    expect(targets.size).toBeLessThan(12)
  })

  it("makes no rows or targets of what callers send", () => {
    const before = interner.target("a new one").id
    for (let index = 0; index < 5000; index += 1) {
      for (const { resolver } of resolvings) resolver.resolve(inventedLine(index))
    }
    expect(interner.target("another new one").id).toBe(before + 1)
  })

  it("answers a repeated line as it answers it afresh", () => {
    const lines = fc.array(facts, { minLength: 2, maxLength: 30 })
    fc.assert(
      fc.property(lines, (some) => {
        const used = resolvingFor(mesh, "yelb-gateway_yelb", { interner })
        const warm = [...some, ...some].map((fact) => told(used.resolver.resolve(fact)))
        const fresh = some.map((fact) =>
          told(resolvingFor(mesh, "yelb-gateway_yelb", { interner }).resolver.resolve(fact)),
        )
        expect(warm).toEqual([...fresh, ...fresh])
      }),
      { numRuns: 60 },
    )
  })
})

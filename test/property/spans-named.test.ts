import * as fc from "fast-check"
import { expect, test } from "vitest"
import { decodeConfigDump } from "../../agent/decode/config-dump/decode.ts"
import { makeSpanNames } from "../../agent/resolve/spans/span-names.ts"
import { makeInterner } from "../../mesh/request.ts"
import { SPAN_KINDS, type Span } from "../../mesh/span.ts"
import { appMeshDump } from "../fixtures/config-dump/app-mesh-dump.ts"
import { SHOP } from "../fixtures/config-dump/resolving.ts"

/** Every name that was interned, to be kept for the life of the process. */
const kept = new Set<string>()
const real = makeInterner()
const interner: typeof real = {
  target(name) {
    kept.add(name)
    return real.target(name)
  },
  row(row) {
    for (const text of [row.virtualService, row.virtualRouter, row.route, row.gatewayRoute, row.source])
      kept.add(text)
    return real.row(row)
  },
}
const DECLARED = JSON.stringify(SHOP)
const names = makeSpanNames({ declared: { meshes: [SHOP] }, interner })
const resources = [...SHOP.virtualGateways, ...SHOP.virtualNodes].map(({ name }) => name)
for (const name of resources) names.setProxy(name, decodeConfigDump(appMeshDump(SHOP, name, 2022)))

const word = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.constantFrom(
    "proxy",
    "ingress",
    "egress",
    "__proto__",
    "constructor",
    "UF,URX",
    "mesh/shop/virtualNode/",
    "mesh//virtualNode/x",
    "AWS::AppMesh::Proxy",
    ...resources.flatMap((name) => [name, `mesh/shop/virtualNode/${name}`, `shop/${name}`]),
  ),
)
const NAMES = ["component", "node_id", "upstream_cluster", "response_flags", "direction", "grpc.status_code"]
const values = fc.oneof(word, fc.double(), fc.boolean())
const attributes = fc
  .array(fc.tuple(fc.oneof(fc.constantFrom(...NAMES), word), values), { maxLength: 12 })
  .map((pairs) => new Map([["component", "proxy"] as const, ...pairs]))
const RESOURCE = ["aws.app_mesh.mesh_name", "aws.app_mesh.virtual_node_name", "aws.xray.origin"]
const resource = fc
  .array(fc.tuple(fc.constantFrom(...RESOURCE), values), { maxLength: 3 })
  .map((pairs) => new Map(pairs))

const spans: fc.Arbitrary<Span> = fc.record({
  traceId: fc.constant("1".repeat(32)),
  id: fc.constant("2".repeat(16)),
  parentId: fc.constant(""),
  name: word,
  kind: fc.constantFrom(...SPAN_KINDS),
  startUs: fc.nat(),
  endUs: fc.option(fc.nat(), { nil: undefined }),
  service: word,
  remote: word,
  http: fc.record({ method: word, url: fc.oneof(word, fc.webUrl()), status: fc.nat(999) }),
  status: fc.record({ error: fc.boolean(), throttle: fc.boolean(), fault: fc.boolean() }),
  attributes,
  resource,
  proxy: fc.constant(undefined),
  document: fc.constant(undefined),
})

test("whatever a sender writes: nothing is thrown, ids and times stay, and nothing that it wrote is kept", () => {
  fc.assert(
    fc.property(spans, (span) => {
      const named = names.name(span)
      expect(named.traceId + named.id + named.parentId).toBe(span.traceId + span.id + span.parentId)
      expect([named.startUs, named.endUs]).toEqual([span.startUs, span.endUs])
      expect(named.attributes).toBe(span.attributes)
      expect(named.proxy === undefined || named.service !== "").toBe(true)
    }),
    { numRuns: 3000 },
  )
  const strangers = [...kept].filter((text) => !/^(\(.+\))?$/.test(text) && !DECLARED.includes(`"${text}"`))
  expect(strangers).toEqual([])
})

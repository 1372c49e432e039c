import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { decodeConfigDump } from "../../agent/decode/config-dump/decode.ts"
import { makeSpanNames, type SpanNames } from "../../agent/resolve/spans/span-names.ts"
import { parseKubernetesObjects } from "../../mesh/declare/kubernetes.ts"
import type { DeclaredModel } from "../../mesh/declared.ts"
import { makeInterner } from "../../mesh/request.ts"
import { type Span, STATUS_OK } from "../../mesh/span.ts"
import { appMeshDump } from "../fixtures/config-dump/app-mesh-dump.ts"
import { captured, FORMS } from "../fixtures/spans/captured.ts"
import { decodedSpans } from "../fixtures/spans/decoded.ts"
import { told } from "../fixtures/spans/told.ts"

const FILE = join(import.meta.dirname, "../../demo/yelb.yaml")
const { model: YELB } = parseKubernetesObjects(readFileSync(FILE, "utf8"), FILE)
const NOTHING: DeclaredModel = { meshes: [] }
const GATEWAY = "yelb-gateway_yelb"
const UI = "yelb-ui-virtual-node"
const APP = "yelb-appserver-virtual-node"

/** An agent that has read the configurations of these resources' proxies. */
function namesWith(declared: DeclaredModel, resources: readonly string[]): SpanNames {
  const names = makeSpanNames({ declared, interner: makeInterner() })
  const [mesh] = YELB.meshes
  if (mesh === undefined) throw new Error("no mesh")
  for (const resource of resources)
    names.setProxy(`${resource}-0`, decodeConfigDump(appMeshDump(mesh, resource, 2022)))
  return names
}

const spansOf = (names: SpanNames, form: (typeof FORMS)[number], request: string): readonly Span[] =>
  decodedSpans(form, captured(form, request)).map((span) => names.name(span))

const DOOR = `yelb/${GATEWAY} server gateway yelb-ui yelbui-gatewayroute_yelb`
const IN = `yelb/${GATEWAY} client gateway yelb-ui -> yelb/${UI}`
const CALL = `yelb/${UI} client sidecar yelb-appserver route-to-yelb-appserver -> yelb/${APP}`
const FINE = [DOOR, IN, `yelb/${UI} server sidecar`, CALL, `yelb/${APP} server sidecar`]

describe.each(FORMS)("what Envoy's tracers sent: %s", (form) => {
  const all = namesWith(YELB, [GATEWAY, UI, APP])

  test("one request through gateway, ui, appserver: names, routes, callees, and one trace of parents", () => {
    const spans = spansOf(all, form, "fine")
    expect(spans.map(told)).toEqual(FINE)
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1)
    expect(spans.map(({ parentId }) => parentId)).toEqual(["", ...spans.slice(0, -1).map(({ id }) => id)])
    expect(spans.map(({ name }) => name)).toEqual(expect.arrayContaining([expect.stringMatching(/./)]))
  })

  test("a path that Envoy may have cut proves no route", () => {
    const [, , , call] = decodedSpans(form, captured(form, "fine"))
    if (call === undefined) throw new Error("no call")
    const routeOf = (path: string) =>
      all.name({ ...call, http: { ...call.http, url: `http://yelb-appserver:4567${path}` } }).proxy?.route
    expect(routeOf(`/${"a".repeat(254)}`)).toBe("route-to-yelb-appserver")
    expect(routeOf(`/${"a".repeat(255)}`)).toBe("")
  })

  test("a request that was tried again: each try is the callee's own span, under the one call", () => {
    const spans = spansOf(all, form, "retried")
    expect(spans.map(told)).toEqual([...FINE.slice(0, 4), `${FINE[4]} fault`, FINE[4]])
    expect(spans.slice(4).map(({ parentId }) => parentId)).toEqual([spans[3]?.id, spans[3]?.id])
  })

  test("broken connections: flags of caller and callee, and faults", () => {
    expect(spansOf(all, form, "broken").map(told)).toEqual([
      `${DOOR} fault`,
      `${IN} fault`,
      `yelb/${UI} server sidecar fault`,
      `${CALL} URX fault`,
      ...[1, 2, 3].map(() => `yelb/${APP} server sidecar UC fault`),
    ])
  })

  test.each([
    ["throttled", "error throttle"],
    ["missing", "error"],
  ])("an answer that is the caller's error: %s", (request, words) => {
    expect(spansOf(all, form, request).map(told)).toEqual(FINE.map((line) => `${line} ${words}`))
  })

  test("of proxies that this agent never read, the names alone", () => {
    expect(spansOf(namesWith(NOTHING, []), form, "fine").map(told)).toEqual([
      `yelb/${GATEWAY} server gateway`,
      `yelb/${GATEWAY} client gateway -> yelb/${UI}`,
      `yelb/${UI} server sidecar`,
      `yelb/${UI} client sidecar -> yelb/${APP}`,
      `yelb/${APP} server sidecar`,
    ])
  })

  test("a proxy that left is a stranger again", () => {
    const names = namesWith(YELB, [GATEWAY, UI, APP])
    for (const resource of [GATEWAY, UI, APP]) names.dropProxy(`${resource}-0`)
    const routes = spansOf(names, form, "fine").map(({ proxy }) => proxy?.route)
    expect(new Set(routes)).toEqual(new Set([""]))
  })
})

const BARE: Span = {
  traceId: "1".repeat(32),
  id: "2".repeat(16),
  parentId: "",
  name: "",
  kind: "server",
  startUs: 1,
  endUs: 2,
  service: "",
  remote: "",
  http: {},
  status: STATUS_OK,
  attributes: new Map(),
  resource: new Map(),
  proxy: undefined,
  document: undefined,
}
const attributes = (tags: Record<string, string>): Span["attributes"] => new Map(Object.entries(tags))

/** A segment with App Mesh's block and no node id. */
const segment = (name: string): Span => ({
  ...BARE,
  service: `yelb@1234/${name}`,
  resource: attributes({ "aws.app_mesh.mesh_name": "yelb@1234", "aws.app_mesh.virtual_node_name": name }),
})
const proxyIn = (declared: DeclaredModel, span: Span) => namesWith(declared, []).name(span).proxy
const ofService = (service: string): Span => ({
  ...BARE,
  service,
  attributes: attributes({ component: "proxy" }),
})
test.each([
  ["cds_egress_yelb_mesh-allow-all", "yelb-appserver:81"],
  ["cds_egress_yelb_amazonaws", "yelb-appserver:81"],
  ["cds_egress_yelb_mesh-allow-all", "elsewhere"],
])("a call out of the mesh through %s has the name that the caller wrote, %s", (cluster, host) => {
  const names = namesWith(YELB, [UI])
  const tags = { component: "proxy", node_id: `mesh/yelb/virtualNode/${UI}`, upstream_cluster: cluster }
  const span = names.name({
    ...BARE,
    kind: "client",
    attributes: attributes(tags),
    http: { url: `http://${host}/` },
  })
  expect(span.proxy).toMatchObject({ direction: "egress", resource: UI })
  expect(span.remote).toBe(host)
})

describe("who made it", () => {
  test("App Mesh puts gateways under virtual_node_name; the declared model tells", () => {
    expect(proxyIn(YELB, segment(GATEWAY))).toMatchObject({
      mesh: "yelb",
      role: "gateway",
      resource: GATEWAY,
    })
    expect(proxyIn(YELB, segment(UI))).toMatchObject({ role: "sidecar" })
    expect(proxyIn(NOTHING, segment(GATEWAY))).toMatchObject({ role: "sidecar", resource: GATEWAY })
  })

  test("a proxy that is known tells too", () => {
    const names = namesWith(NOTHING, [GATEWAY])
    expect(names.name(segment(GATEWAY)).proxy).toMatchObject({ role: "gateway" })
  })

  test("the owner of a shared mesh stays in names, as in App Mesh's own", () => {
    const tags = attributes({
      component: "proxy",
      node_id: "arn:aws:appmesh:eu-west-1:1234:mesh/yelb@1234/virtualNode/a",
      upstream_cluster: "cds_egress_yelb_b_http_80",
    })
    const span = namesWith(NOTHING, []).name({ ...BARE, kind: "client", attributes: tags })
    expect(span).toMatchObject({
      service: "yelb@1234/a",
      remote: "yelb@1234/b",
      proxy: { mesh: "yelb", target: "b" },
    })
  })

  test("a service name that somebody chose stays", () => {
    const tags = attributes({ component: "proxy", node_id: "mesh/yelb/virtualNode/a" })
    const service = (said: string) =>
      namesWith(NOTHING, []).name({ ...BARE, service: said, attributes: tags }).service
    expect(service("front door")).toBe("front door")
    for (const said of ["", "unknown_service:envoy", "mesh/yelb/virtualNode/a"])
      expect(service(said)).toBe("yelb/a")
  })

  test("a service name alone, where the mesh is known", () => {
    const names = namesWith(YELB, [])
    expect(names.name(ofService(`yelb/${UI}`)).proxy).toMatchObject({ role: "sidecar", resource: UI })
    expect(names.name(ofService(`yelb/${GATEWAY}`)).proxy).toMatchObject({ role: "gateway" })
    expect(names.name(ofService("yelb/stranger")).proxy).toBeUndefined()
    expect(names.name(ofService("other")).proxy).toBeUndefined()
  })

  test("a span of an application is handed back as it is, whatever it is called", () => {
    const names = namesWith(YELB, [UI])
    const span = {
      ...BARE,
      service: `yelb/${UI}`,
      attributes: attributes({ node_id: `mesh/yelb/virtualNode/${UI}` }),
    }
    expect(names.name(span)).toBe(span)
  })
})

import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { DeclaredMesh, DeclaredModel, VirtualGateway } from "#mesh/declared.ts"
import type { ProxyConfig, ProxyHint } from "#mesh/proxy.ts"
import { makeInterner } from "#mesh/request.ts"
import { lineReader, unreadLoggers } from "../../agent/access-logs.ts"
import { LineResult } from "../../agent/decode/access-log/line-reader.ts"
import { glimpsed } from "../../agent/glimpse.ts"
import { makeResolver, type Resolving } from "../../agent/resolve/resolver.ts"
import { told } from "../fixtures/config-dump/resolving.ts"
import { FRONT, REVIEWS, SHOP_MODEL, WEB } from "../fixtures/istio/shop.ts"

/** A proxy of which a hint is all that is known beside its lines. */
function unread(hint: ProxyHint, declared?: DeclaredModel, config: ProxyConfig = glimpsed()): Resolving {
  return makeResolver({
    config,
    unread: true,
    identity: { ...hint, proxy: "p" },
    interner: makeInterner(),
    readableLogs: new Set(["/dev/stdout"]),
    ...(declared === undefined ? {} : { declared }),
  })
}
const SIDECAR: ProxyHint = { flavor: "istio", mesh: "cluster.local", role: "sidecar", resource: FRONT }
const { reader } = lineReader(unreadLoggers("istio"))

interface Parts {
  readonly cluster?: string
  readonly route?: string
  readonly code?: number
  readonly flags?: string
  readonly agent?: string
}

/** A line as Istio's proxies write it. */
function line({ cluster = "-", route = "-", code = 200, flags = "-", agent = "curl" }: Parts): string {
  return (
    `[2026-11-21T10:00:00.000Z] "GET /c HTTP/1.1" ${code} ${flags} via_upstream - "-" 0 4 2 1 "-" "${agent}" "id" ` +
    `"web" "10.0.0.8:8080" ${cluster} 10.0.0.7:40000 10.96.0.10:80 10.0.0.7:50000 - ${route}`
  )
}

function ask(resolving: Resolving, text: string): string {
  const bytes = Buffer.from(text)
  expect(reader.read(bytes, 0, bytes.length)).toBe(LineResult.access)
  return told(resolving.resolver.resolve(reader.fact))
}

const named = (routes: VirtualGateway["routes"]) =>
  routes.map((route) => Object.assign({}, route, { wireNames: ["root"] }))

/** Its gateways, with names that their routes bear in Envoy. */
function wired({ virtualGateways }: DeclaredMesh): readonly VirtualGateway[] {
  return virtualGateways.map((gateway) => Object.assign({}, gateway, { routes: named(gateway.routes) }))
}

const front = unread(SIDECAR)
const declared = unread(SIDECAR, SHOP_MODEL)
const TO_WEB = `outbound|80||${WEB}`

describe("lines of an Istio proxy that tells no configuration", () => {
  it.each([
    [
      { cluster: TO_WEB, route: "main" },
      `request source service=${WEB} route=main source=${FRONT} node=${WEB}`,
    ],
    [
      { cluster: `${TO_WEB};`, route: "main" },
      `request source service=${WEB} route=main source=${FRONT} node=${WEB}`,
    ],
    [{ cluster: TO_WEB, route: "default" }, `request source service=${WEB} source=${FRONT} node=${WEB}`],
    [
      { cluster: `outbound|80|v2|${REVIEWS}` },
      `request source service=${REVIEWS} route=(ambiguous) source=${FRONT} node=${REVIEWS}/v2 doubt=route_ambiguous`,
    ],
    [{ cluster: "inbound|8080||", route: "default" }, `request destination node=${FRONT}`],
    [{ cluster: "InboundPassthroughCluster", route: "default" }, `request destination node=${FRONT}`],
    [
      { cluster: "PassthroughCluster", route: "allow_any" },
      `request source service=(undeclared) route=(unmatched) source=${FRONT} node=(undeclared)`,
    ],
    [
      { route: "block_all", code: 502 },
      `request source service=(undeclared) route=(unmatched) source=${FRONT} node=(undeclared)`,
    ],
    [{ flags: "NR", code: 404 }, `request source service=(unknown) route=(unmatched) source=${FRONT}`],
    [
      { route: "moved", code: 301 },
      `request source service=(unknown) route=moved source=${FRONT} doubt=cluster`,
    ],
    [{ route: "default", code: 400 }, "undecided destination doubt=direction"],
    [{ code: 400, flags: "DPE" }, "undecided destination doubt=direction"],
  ])("%j", (parts, wanted) => {
    expect(ask(front, line(parts))).toBe(wanted)
  })

  it("have router and route of the declared service, where one bears the name", () => {
    expect(ask(declared, line({ cluster: TO_WEB, route: "canary.by-header" }))).toContain(
      `service=${WEB} router=web.shop route=canary `,
    )
    expect(ask(declared, line({ cluster: TO_WEB, route: "other" }))).toContain("router=web.shop route=other ")
  })

  it("of a gateway are its routes', with the service where a declared route tells it", () => {
    const model = {
      meshes: SHOP_MODEL.meshes.map((mesh) => Object.assign({}, mesh, { virtualGateways: wired(mesh) })),
    }
    const hint: ProxyHint = { ...SIDECAR, role: "gateway", resource: "edge.shop" }
    const parts = { cluster: TO_WEB, route: "root" }
    expect(ask(unread(hint), line(parts))).toBe(
      `request gateway gateway=edge.shop gatewayRoute=root service=(unknown) node=${WEB}`,
    )
    expect(ask(unread(hint, model), line(parts))).toBe(
      `request gateway gateway=edge.shop gatewayRoute=site.shop/http[0] service=shop.example.com node=${WEB}`,
    )
  })

  it("in Istio's JSON say the same", () => {
    const text = JSON.stringify({
      authority: "web",
      bytes_sent: 4,
      method: "GET",
      path: "/c",
      response_code: 200,
      response_flags: "-",
      route_name: "main",
      upstream_cluster: TO_WEB,
      upstream_host: "10.0.0.8:8080",
    })
    expect(ask(front, text)).toBe(`request source service=${WEB} route=main source=${FRONT} node=${WEB}`)
  })

  it("count by the log where there is one, and are named: no line is a doubt for that alone", () => {
    expect(front).toMatchObject({
      namesLines: true,
      provenance: "log",
      provenances: { http: { outbound: "log" } },
    })
    expect(unread({ ...SIDECAR, flavor: "app-mesh" }).namesLines).toBe(false)
    expect(unread({ ...SIDECAR, flavor: "plain" }).namesLines).toBe(false)
  })
})

describe("a pod that writes names of its own", () => {
  it("gets no row for each of them", () => {
    const rows = new Set<string>()
    const resolving = unread(SIDECAR)
    for (let index = 0; index < 3000; index += 1)
      rows.add(ask(resolving, line({ cluster: `outbound|80||h${index}.svc`, route: `r${index}` })))
    expect(rows.size).toBeLessThan(1010)
    expect([...rows].at(-1)).toContain("service=(unknown) route=(unmatched)")
  })

  it("by a user agent gets no new row, and a doubt", () => {
    const agent = `x" "id" "web" "10.0.0.8:8080" outbound|80||evil.svc 10.0.0.7:1 10.0.0.7:2 10.0.0.7:3 - forged`
    expect(ask(unread(SIDECAR), line({ cluster: TO_WEB, route: "main", agent }))).not.toContain(
      "service=evil.svc",
    )
  })

  it("never makes it throw", () => {
    const resolving = unread(SIDECAR, SHOP_MODEL)
    const text = fc.string({ maxLength: 40 }).map((one) => one.replaceAll(/\s/g, "_") || "-")
    fc.assert(
      fc.property(text, text, fc.constantFrom("outbound|80|", "inbound|", ""), (cluster, route, begin) => {
        const bytes = Buffer.from(line({ cluster: begin + cluster, route }))
        if (reader.read(bytes, 0, bytes.length) !== LineResult.access) return
        const once = told(resolving.resolver.resolve(reader.fact))
        expect(told(resolving.resolver.resolve(reader.fact))).toBe(once)
      }),
    )
  })
})

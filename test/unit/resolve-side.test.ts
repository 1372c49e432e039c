import { describe, expect, it } from "vitest"
import type { FieldName } from "#mesh/access.ts"
import { flagBits } from "#mesh/flags.ts"
import type { Resolving } from "../../agent/resolve/resolver.ts"
import {
  ask,
  declaredFixture,
  resolvingFor,
  SHOP,
  TO_BLUE,
  TO_RED,
} from "../fixtures/config-dump/resolving.ts"

function end(resolving: Resolving, fields: Partial<Record<FieldName, string>>, flags: string): string {
  return ask(resolving, fields, { flags: flagBits(flags), code: 503 })
}

describe("the side of a line", () => {
  const front = resolvingFor(SHOP, "front_ns", {
    hosts: [
      { cluster: TO_BLUE, address: { host: "10.0.1.5", port: 8080 }, state: "healthy", counters: {} },
      { cluster: TO_RED, address: { host: "10.0.1.6", port: 8080 }, state: "healthy", counters: {} },
    ],
  })
  const line = { method: "GET", path: "/api", authority: "color.local" }
  const side = (fields: Partial<Record<FieldName, string>>): string =>
    ask(front, { ...line, ...fields })
      .split(" ")
      .slice(0, 2)
      .join(" ")

  it.each<[string, Partial<Record<FieldName, string>>, string]>([
    ["an inbound cluster", { upstreamCluster: "cds_ingress_shop_front_ns_http_8080" }, "request destination"],
    ["an outbound cluster", { upstreamCluster: TO_BLUE }, "request source"],
    ["the pod's own address", { downstreamLocal: "10.0.0.67:8080" }, "request destination"],
    ["a stranger's address", { downstreamLocal: "10.100.1.1:8080" }, "request source"],
    ["a known local host", { upstreamHost: "127.0.0.1:8080" }, "request destination"],
    ["a known host", { upstreamHost: "10.0.1.5:8080" }, "request source"],
    ["a host that no inbound cluster can have", { upstreamHost: "10.7.7.7:8080" }, "request source"],
    ["a call from the pod itself", { downstreamRemote: "10.0.0.67:43210" }, "request source"],
    ["a call from elsewhere", { downstreamRemote: "10.0.3.9:43210" }, "request destination"],
    ["a backend's name", {}, "request source"],
    ["nothing", { authority: "who.knows" }, "undecided destination"],
  ])("is told by %s", (_, fields, expected) => {
    expect(side(fields)).toBe(expected)
  })

  it("is doubted where nothing tells", () => {
    expect(ask(front, { ...line, authority: "who.knows" })).toBe("undecided destination doubt=direction")
  })

  describe("where nothing but its end tells", () => {
    const stranger = { ...line, authority: "who.knows" }
    const { mesh } = declaredFixture("yelb.yaml")
    const gateway = resolvingFor(mesh, "yelb-gateway_yelb")

    it.each<[string, Partial<Record<FieldName, string>>, string, string]>([
      ["no route, where all that comes in has one", stranger, "NR", "service=(undeclared) route=(unmatched)"],
      ["the same for a backend's name", { ...line, path: "/none" }, "NR", "service=color.local"],
    ])("went out: %s", (_, fields, flags, expected) => {
      const answer = end(front, fields, flags)
      expect(answer).toContain("request source")
      expect(answer).toContain(expected)
      expect(answer).not.toContain("doubt")
    })

    it.each(["UH", "UF,URX", "UO", "NC", "UT", "UC", "LR", "UPE", "UMSDR", "UO,DC"])(
      "came in: %s for an authority that no backend has",
      (flags) => {
        expect(end(front, stranger, flags)).toBe("request destination node=front_ns")
        expect(end(front, line, flags)).toContain("request source")
      },
    )

    it.each<[string, Partial<Record<FieldName, string>>, string]>([
      ["CONNECT has no path", { ...stranger, method: "CONNECT" }, "NR"],
      ["no method", { authority: "who.knows", path: "/" }, "NR"],
      ["no authority", { method: "GET", path: "/" }, "NR"],
      ["no authority to look up", { method: "GET", path: "/" }, "UO"],
      ["refused before routing", stranger, "DPE"],
      ["the caller left", stranger, "DC"],
      ["a flag of no kind", stranger, "XX"],
    ])("stays in doubt: %s", (_, fields, flags) => {
      expect(end(front, fields, flags)).toBe("undecided destination doubt=direction")
    })

    it("a proxy with requests on one side only", () => {
      const app = resolvingFor(mesh, "yelb-appserver-virtual-node")
      expect(end(app, stranger, "DPE")).toBe("request destination node=yelb-appserver-virtual-node")
    })

    it("a gateway that has a route for everything found none at its second pass", () => {
      expect(end(gateway, stranger, "NR")).toContain("request source")
      expect(end(gateway, stranger, "UO")).toContain("request gateway")
    })
  })

  it("names the node by host, and says when no cluster has it", () => {
    expect(ask(front, { ...line, upstreamHost: "10.0.1.6:8080" })).toContain("node=red_ns")
    expect(ask(front, { ...line, authority: "plain.local", upstreamHost: "10.7.7.7:8080" })).toContain(
      "node=blue_ns",
    )
    const many = ask(front, { ...line, upstreamHost: "10.7.7.7:8080" })
    expect(many).toContain("node=(unknown)")
    front.setHosts([
      { cluster: TO_RED, address: { host: "10.7.7.7", port: 8080 }, state: "healthy", counters: {} },
    ])
    expect(ask(front, { ...line, upstreamHost: "10.7.7.7:8080" })).toContain("node=red_ns")
  })
})

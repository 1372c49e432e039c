import { describe, expect, it } from "vitest"
import { declaredFixture, resolvingFor, SHOP, TO_BLUE, TO_RED } from "../fixtures/config-dump/resolving.ts"

describe("the plan for stats", () => {
  it("gives a gateway route the numbers of clusters that only it can lead to", () => {
    const { mesh } = declaredFixture("yelb.yaml")
    const { plan } = resolvingFor(mesh, "yelb-gateway_yelb")
    const ingress = plan.http.find(({ reporter }) => reporter === "gateway")
    expect(
      ingress?.clusters.map(({ statName, row, target }) => [
        statName,
        row.gatewayRoute,
        row.virtualService,
        target.name,
      ]),
    ).toEqual([
      [
        "cds_egress_yelb_yelb-appserver-virtual-node_http_4567",
        "yelbapp-gatewayroute_yelb",
        "yelb-appserver",
        "",
      ],
      [
        "cds_egress_yelb_yelb-appserver-virtual-node-v2_http_4567",
        "yelbapp-gatewayroute_yelb",
        "yelb-appserver",
        "",
      ],
      ["cds_egress_yelb_yelb-ui-virtual-node_http_80", "yelbui-gatewayroute_yelb", "yelb-ui", ""],
    ])
    expect(ingress?.unmatched.gatewayRoute).toBe("(unmatched)")
    expect(ingress?.provenance).toBe("stats")
  })

  it("shares what several routes lead to, and leaves weight 0 out of it", () => {
    const { plan } = resolvingFor(SHOP, "front_ns")
    const egress = plan.http.find(({ statPrefix }) => statPrefix === "egress")
    const rows = egress?.clusters.map(({ statName, row, protocol }) => [
      statName,
      row.virtualService,
      row.route,
      protocol,
    ])
    expect(rows).toEqual([
      [TO_RED, "color.local", "canary", 0],
      // Four routes of color.local and all of plain.local.
      [TO_BLUE, "(shared)", "(shared)", 0],
      ["cds_egress_shop_red_ns_grpc_9090", "calls.local", "(shared)", 2],
    ])
    expect(egress?.unmatched).toMatchObject({
      virtualService: "(unknown)",
      route: "(unmatched)",
      source: "front_ns",
    })
  })

  it("shares gateway routes of one service", () => {
    const { plan } = resolvingFor(SHOP, "gw_ns")
    const ingress = plan.http.find(({ reporter }) => reporter === "gateway")
    expect(
      ingress?.clusters.map(({ statName, row }) => [statName, row.gatewayRoute, row.virtualService]),
    ).toEqual([
      [TO_RED, "g-color_ns", "color.local"],
      [TO_BLUE, "(shared)", "(shared)"],
    ])
  })

  it("has one scope per listener of a node with several, and own clusters inbound", () => {
    const { plan } = resolvingFor(SHOP, "front_ns")
    expect(
      plan.http
        .filter(({ reporter }) => reporter === "destination")
        .map(({ statPrefix, clusters, unmatchedTarget }) => [
          statPrefix,
          clusters.map((one) => [one.statName, one.target.name, one.protocol]),
          unmatchedTarget?.name,
        ]),
    ).toEqual([
      ["ingress.http.8080", [["cds_ingress_shop_front_ns_http_8080", "front_ns", 0]], "front_ns"],
      ["ingress.grpc.9090", [["cds_ingress_shop_front_ns_grpc_9090", "front_ns", 2]], "front_ns"],
    ])
    expect(plan.clusters.map(({ name, target, direction }) => [name, target.name, direction])).toContainEqual(
      [TO_BLUE, "blue_ns", "outbound"],
    )
  })

  it("takes numbers from the log only where every way of a side writes one that can be read", () => {
    const front = resolvingFor(SHOP, "front_ns")
    expect(front.provenances.http).toEqual({ inbound: "log", outbound: "log" })
    const unread = resolvingFor(SHOP, "front_ns", { readableLogs: new Set(["/var/log/other"]) })
    expect(unread.provenances.http).toEqual({ inbound: "stats", outbound: "stats" })
    expect(unread.missing).toEqual(["inbound_log", "outbound_log"])
    expect(resolvingFor(SHOP, "blue_ns").provenances.http.inbound).toBe("stats")
  })
})

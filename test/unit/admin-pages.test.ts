import { describe, expect, it } from "vitest"
import { decodeCertificates } from "../../agent/decode/admin/certificates.ts"
import { decodeClusters } from "../../agent/decode/admin/clusters.ts"
import { decodeServerInfo } from "../../agent/decode/admin/server-info.ts"

const page = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
const host = (health: object, stats: object[] = []) => ({
  address: { socket_address: { address: "10.0.0.7", port_value: 4567 } },
  health_status: health,
  stats,
})

describe("/clusters", () => {
  it.each([
    [{}, "healthy"],
    [{ eds_health_status: "HEALTHY" }, "healthy"],
    [{ eds_health_status: "DEGRADED" }, "degraded"],
    [{ eds_health_status: "UNHEALTHY" }, "unhealthy"],
    [{ eds_health_status: "HEALTHY", failed_active_health_check: true }, "unhealthy"],
    [{ eds_health_status: "HEALTHY", failed_outlier_check: true }, "ejected"],
    [{ failed_outlier_check: true, failed_active_health_check: true }, "ejected"],
  ])("health %j is %s", (health, state) => {
    const [seen] = decodeClusters(page({ cluster_statuses: [{ name: "c", host_statuses: [host(health)] }] }))
    expect(seen?.state).toBe(state)
  })

  it("counts absent values as zero and keeps 64-bit texts as numbers", () => {
    const stats = [{ name: "rq_total", value: "134" }, { name: "rq_error" }]
    expect(
      decodeClusters(page({ cluster_statuses: [{ name: "c", host_statuses: [host({}, stats)] }] })),
    ).toEqual([
      {
        cluster: "c",
        address: { host: "10.0.0.7", port: 4567 },
        state: "healthy",
        counters: { rq_total: 134, rq_error: 0 },
      },
    ])
  })

  it("takes a cluster without hosts, and refuses what is not JSON", () => {
    expect(decodeClusters(page({ cluster_statuses: [{ name: "passthrough" }] }))).toEqual([])
    expect(() => decodeClusters(Buffer.from("<html>"))).toThrow("The page /clusters is not JSON.")
  })
})

describe("/server_info", () => {
  it("tells version, state, and the age of the current epoch", () => {
    const info = {
      version: "9e55/1.40.0/Clean/RELEASE/BoringSSL",
      state: "LIVE",
      uptime_current_epoch: "9s",
      uptime_all_epochs: "119s",
      command_line_options: { restart_epoch: 1 },
      node: { id: "mesh/yelb/virtualNode/yelb-ui" },
    }
    expect(decodeServerInfo(page(info))).toEqual({
      version: "1.40.0",
      state: "live",
      epochUptimeSeconds: 9,
      restartEpoch: 1,
      nodeId: "mesh/yelb/virtualNode/yelb-ui",
    })
  })
  it.each([
    ["LIVE", "live"],
    ["DRAINING", "draining"],
    ["PRE_INITIALIZING", "initializing"],
    ["INITIALIZING", "initializing"],
  ])("state %s is %s", (state, word) => {
    expect(decodeServerInfo(page({ state })).state).toBe(word)
  })
})

const chain = (leaf: object): object => ({ cert_chain: [leaf] })

it("/certs: each leaf once, by path, name or serial number, with the earliest end", () => {
  const certificates = [
    chain({ path: "/keys/a.pem", expiration_time: "2027-01-01T00:00:00Z" }),
    chain({ path: "/keys/a.pem", expiration_time: "2026-12-01T00:00:00Z" }),
    chain({
      path: "<inline>",
      subject_alt_names: [{ dns: "ui.local" }],
      expiration_time: "2027-02-01T00:00:00Z",
    }),
    chain({ serial_number: "0b", expiration_time: "2027-03-01T00:00:00Z" }),
    chain({ serial_number: "0c", expiration_time: "soon" }),
  ]
  expect(decodeCertificates(page({ certificates }))).toEqual([
    { name: "/keys/a.pem", expiresAt: Date.parse("2026-12-01T00:00:00Z") / 1000 },
    { name: "ui.local", expiresAt: Date.parse("2027-02-01T00:00:00Z") / 1000 },
    { name: "0b", expiresAt: Date.parse("2027-03-01T00:00:00Z") / 1000 },
  ])
})

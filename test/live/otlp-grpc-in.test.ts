import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test, vi } from "vitest"
import { GrpcIntake } from "../../agent/collect/receive/http-intake-grpc.ts"
import { readOtlpProtobuf } from "../../agent/decode/spans/otlp-protobuf.ts"
import { component } from "../../scripts/components/component.ts"
import { Kept } from "../fixtures/spans/span-arbitrary.ts"
import { freePort } from "./rig/free-port.ts"

/** A real Envoy, whose OpenTelemetry tracer speaks gRPC to our intake. */
let folder: string
let envoy: ChildProcess
let intake: GrpcIntake
let url: string
const kept = new Kept()
let busy = false

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "meshscope-otlp-grpc-"))
  intake = new GrpcIntake(
    {
      listen: { host: "127.0.0.1", port: 0 },
      setting: "receive.otlp.grpc",
      maxBodyBytes: 4e6,
      maxInflatedBytes: 16e6,
      maxConnections: 10,
      timeoutMs: 30_000,
    },
    (body) => {
      if (busy) return { kind: "busy" }
      readOtlpProtobuf(body, kept)
      return { kind: "taken", rejected: 0 }
    },
  )
  const target = new URL(await intake.start())
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  await writeFile(join(folder, "envoy.json"), JSON.stringify(bootstrap(port, Number(target.port))))
  envoy = spawn(
    await component("envoy"),
    ["-c", join(folder, "envoy.json"), "--disable-hot-restart", "--concurrency", "1"],
    { stdio: "ignore" },
  )
  await vi.waitUntil(async () => (await asked("/")) === 200, { timeout: 20_000, interval: 100 })
})

afterAll(async () => {
  if (envoy !== undefined && envoy.exitCode === null) {
    envoy.kill("SIGTERM")
    await once(envoy, "exit")
  }
  await intake?.stop()
  await rm(folder, { recursive: true, force: true })
})

const asked = (path: string): Promise<number> =>
  fetch(`${url}${path}`).then(
    ({ status }) => status,
    () => 0,
  )

const TYPE = "type.googleapis.com/envoy"

const address = (port: number) => ({ socket_address: { address: "127.0.0.1", port_value: port } })

function bootstrap(port: number, target: number): object {
  const tracer = {
    "@type": `${TYPE}.config.trace.v3.OpenTelemetryConfig`,
    grpc_service: { envoy_grpc: { cluster_name: "otel" }, timeout: "2s" },
    service_name: "yelb/ui",
  }
  const manager = {
    "@type": `${TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "in",
    tracing: { provider: { name: "envoy.tracers.opentelemetry", typed_config: tracer } },
    route_config: {
      virtual_hosts: [
        {
          name: "all",
          domains: ["*"],
          routes: [
            { match: { prefix: "/broken" }, direct_response: { status: 503 } },
            { match: { prefix: "/" }, direct_response: { status: 200 } },
          ],
        },
      ],
    },
    http_filters: [
      {
        name: "router",
        typed_config: { "@type": `${TYPE}.extensions.filters.http.router.v3.Router` },
      },
    ],
  }
  return {
    node: { id: "mesh/yelb/virtualNode/ui", cluster: "ui" },
    static_resources: {
      listeners: [
        {
          address: address(port),
          filter_chains: [{ filters: [{ name: "http", typed_config: manager }] }],
        },
      ],
      clusters: [
        {
          name: "otel",
          type: "STATIC",
          typed_extension_protocol_options: {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
              "@type": `${TYPE}.extensions.upstreams.http.v3.HttpProtocolOptions`,
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
          load_assignment: {
            cluster_name: "otel",
            endpoints: [{ lb_endpoints: [{ endpoint: { address: address(target) } }] }],
          },
        },
      ],
    },
  }
}

test("every request's span arrives, with its status", async () => {
  for (let index = 0; index < 20; index++) await asked(index % 2 === 0 ? `/a?${index}` : "/broken")
  await expect
    .poll(() => kept.spans.filter(({ http }) => http.url?.startsWith(`${url}/a`)).length, { timeout: 15_000 })
    .toBe(10)
  await expect
    .poll(() => kept.spans.filter(({ status }) => status.fault).length, { timeout: 15_000 })
    .toBe(10)
  expect(kept.reasons).toEqual([])
  expect(kept.spans[0]).toMatchObject({ service: "yelb/ui", kind: "server" })
  expect(kept.spans[0]?.attributes.get("node_id")).toBe("mesh/yelb/virtualNode/ui")
  expect(intake.counters().requests).toMatchObject({ refused: 0, malformed: 0, broken: 0 })
})

test("told that the agent is full, Envoy goes on, and its later spans arrive", {
  timeout: 60_000,
}, async () => {
  busy = true
  for (let index = 0; index < 10; index++) await asked("/full")
  await expect.poll(() => intake.counters().requests.busy, { timeout: 15_000 }).toBeGreaterThan(0)
  busy = false
  for (let index = 0; index < 10; index++) await asked("/later")
  await expect
    .poll(() => kept.spans.filter(({ http }) => http.url === `${url}/later`).length, { timeout: 15_000 })
    .toBe(10)
})

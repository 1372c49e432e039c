import { expect, test } from "vitest"
import { type SpanReception, type SpanSender, spanWays, spanWaysText } from "../../agent/resolve/spans/way.ts"
import type { Tracer } from "../../mesh/proxy.ts"

const tracer = (kind: string, host: string, port: number, protocol: Tracer["protocol"] = "http"): Tracer => ({
  kind,
  protocol,
  to: [{ host, port }],
  service: "",
})
const HOSTS = new Set(["10.0.0.7", "fd00::7", "agent.mesh"])
const ALL: SpanReception = {
  listens: {
    "xray-udp": { host: "0.0.0.0", port: 2000 },
    zipkin: { host: "0.0.0.0", port: 9411 },
    otlp: { host: "127.0.0.1", port: 4318 },
    "otlp-grpc": { host: "127.0.0.1", port: 4317 },
  },
  hosts: HOSTS,
  lines: false,
}
const LINES: SpanReception = { listens: {}, hosts: HOSTS, lines: true }
const APART: SpanSender = { sharesLoopback: false, logsTrace: true }
const BESIDE: SpanSender = { sharesLoopback: true, logsTrace: true }
const NO_LOG: SpanSender = { sharesLoopback: false, logsTrace: false }
const xray = (host: string, port = 2000): Tracer => tracer("xray", host, port, "udp")

type Row = readonly [
  what: string,
  tracers: readonly Tracer[] | undefined,
  SpanReception,
  SpanSender,
  says: string,
]
const ROWS: readonly Row[] = [
  ["an X-Ray daemon's address on the host", [xray("10.0.0.7")], ALL, APART, "to this agent by xray-udp"],
  ["IPv6", [xray("fd00::7")], ALL, APART, "to this agent by xray-udp"],
  ["App Mesh's default, agent as sidecar", [xray("127.0.0.1")], ALL, BESIDE, "to this agent by xray-udp"],
  [
    "App Mesh's default, agent on the node",
    [xray("127.0.0.1")],
    ALL,
    APART,
    "elsewhere (127.0.0.1:2000 of its own pod)",
  ],
  ["another port", [xray("10.0.0.7", 2001)], ALL, APART, "elsewhere (10.0.0.7:2001)"],
  ["another host", [xray("10.0.0.8")], ALL, APART, "elsewhere (10.0.0.8:2000)"],
  ["an agent without that intake", [xray("10.0.0.7")], LINES, APART, "elsewhere (10.0.0.7:2000)"],
  [
    "a service in front of the agent",
    [tracer("zipkin", "agent.mesh", 9411)],
    ALL,
    APART,
    "to this agent by zipkin",
  ],
  [
    "OTLP by gRPC",
    [tracer("opentelemetry", "127.0.0.1", 4317, "grpc")],
    ALL,
    BESIDE,
    "to this agent by otlp-grpc",
  ],
  ["Jaeger by Helm", [tracer("zipkin", "10.0.0.7", 9411)], ALL, APART, "to this agent by zipkin"],
  ["Jaeger's own service", [tracer("zipkin", "jaeger.ns", 9411)], ALL, APART, "elsewhere (jaeger.ns:9411)"],
  ["OTLP on loopback", [tracer("opentelemetry", "localhost", 4318)], ALL, BESIDE, "to this agent by otlp"],
  [
    "OTLP at an agent that listens on loopback",
    [tracer("opentelemetry", "10.0.0.7", 4318)],
    ALL,
    APART,
    "elsewhere (10.0.0.7:4318)",
  ],
  [
    "another loopback",
    [tracer("opentelemetry", "127.0.0.2", 4318)],
    ALL,
    BESIDE,
    "elsewhere (127.0.0.2:4318)",
  ],
  [
    "OTLP by gRPC at the port of the other",
    [tracer("opentelemetry", "127.0.0.1", 4318, "grpc")],
    ALL,
    BESIDE,
    "elsewhere (127.0.0.1:4318)",
  ],
  ["Datadog", [tracer("datadog", "10.0.0.7", 8126)], ALL, APART, "elsewhere (10.0.0.7:8126)"],
  ["a tracer whose cluster is not in the dump", [{ ...xray(""), to: [] }], ALL, APART, "unknown"],
  [
    "two tracers",
    [xray("10.0.0.7"), tracer("zipkin", "10.0.0.8", 9411)],
    ALL,
    APART,
    "to this agent by xray-udp, elsewhere (10.0.0.8:9411)",
  ],
  [
    "a collector of several",
    [
      {
        ...tracer("zipkin", "10.0.0.7", 9411),
        to: [
          { host: "10.0.0.7", port: 9411 },
          { host: "10.0.0.8", port: 9411 },
        ],
      },
    ],
    ALL,
    APART,
    "elsewhere (10.0.0.7:9411, ...)",
  ],
  ["no tracer", [], ALL, APART, "none"],
  ["no tracer, lines that tell", [], LINES, APART, "from log lines"],
  ["no tracer, lines that do not tell", [], LINES, NO_LOG, "none"],
  ["a tracer beside lines", [xray("10.0.0.8")], LINES, APART, "elsewhere (10.0.0.8:2000)"],
  ["a configuration that was not read", undefined, ALL, APART, "unknown"],
]
test.each(ROWS)("%s", (_, tracers, reception, sender, says) => {
  const ways = spanWays(tracers === undefined ? {} : { tracers }, reception, sender)
  expect(spanWaysText(ways)).toBe(says)
})

import { readFile } from "node:fs/promises"
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf"
import { reflect } from "@bufbuild/protobuf/reflect"
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt"
import { METRICS } from "#mesh/catalogue.ts"
import { Intake } from "../collector/ingest/intake.ts"
import { readProtobufMetrics } from "../collector/ingest/otlp-protobuf.ts"
import { EmbeddedStore } from "../collector/store/embedded-store.ts"
import { memoryJournal } from "../collector/store/journal.ts"
import { component } from "../scripts/components/component.ts"
import { protobufRequest } from "../test/fixtures/otlp-in/otlp-writer.ts"
import { type BenchResult, bestInTurnMs, printAlone } from "./result.ts"

const POINTS = 100_000
const ROUNDS = 8
const NOW = 1_790_000_000_000

/** P11, in: 100,000 cumulative points with five text attributes each, decoded and counted; the peer only decodes. */
export async function otlpInBench(): Promise<BenchResult[]> {
  const body = requestOf(1)
  const later = requestOf(2)
  const registry = createFileRegistry(
    fromBinary(FileDescriptorSetSchema, await readFile(await component("otlp-descriptors"))),
  )
  const schema = registry.getMessage("opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest")
  if (schema === undefined) throw new Error("the descriptors have no metrics request")
  requireEqual(sumOf(body), peerSum(reflect(schema, fromBinary(schema, body)).message))
  const [read, count, peer] = bestInTurnMs(ROUNDS, [
    () => sumOf(body),
    counting(body, later),
    () => fromBinary(schema, body),
  ])
  return [
    {
      id: "P11 in",
      what: "read 100,000 OTLP points, against code from the protocol's descriptors",
      unit: "ms CPU",
      ours: read,
      peer,
      beside:
        "the peer makes an object of every point and attribute; ours hands each point over and keeps none. The sums of all values are equal, labels are not compared",
      goal: { most: Math.min(80, peer / 6) },
    },
    {
      id: "P11 in, counted",
      what: "the same points read, turned into increments and stored",
      unit: "ms CPU",
      ours: count,
      peer,
      beside:
        "the peer only reads, so it does less; what was stored is not compared here, only that nothing was rejected",
      goal: { most: 80 },
    },
  ]
}

/** As a collector lives: the names are known from the request before, the values moved. */
function counting(body: Uint8Array, later: Uint8Array): () => void {
  const store = new EmbeddedStore({ stepMs: 15_000, maxSeries: POINTS * 2 }, memoryJournal(60_000), NOW)
  const intake = new Intake(
    { maxAgents: 10, maxSeriesPerAgent: POINTS * 2, gaugeStaleMs: 1e9, settleMs: 1e9 },
    store,
    NOW,
  )
  let now = NOW
  const take = (bytes: Uint8Array): void => {
    now += 15_000
    const request = intake.request(now)
    readProtobufMetrics(bytes, request)
    if (request.taken().rejected > 0) throw new Error(request.taken().reason)
  }
  take(body)
  take(later)
  // Body after later falls back, which is a reset: each round moves every series.
  let round = 0
  return () => {
    take(round++ % 2 === 0 ? body : later)
  }
}

function requestOf(factor: number): Buffer {
  const points = Array.from({ length: POINTS }, (_, index) => ({
    attributes: {
      mesh: "prod",
      virtual_service: `service-${index % 100}.prod.local`,
      route: `route-${index % 500}`,
      virtual_node: `node-${index % 150}`,
      source: `caller-${index}`,
    },
    value: index * factor,
    integer: true,
    startMs: NOW - 60_000,
    timeMs: NOW,
  }))
  const metrics = [{ name: METRICS.requests.name, kind: "sum" as const, points }]
  return protobufRequest([{ attributes: { "service.instance.id": "bench" }, metrics }])
}

function sumOf(body: Uint8Array): number {
  let sum = 0
  readProtobufMetrics(body, {
    resource: () => true,
    point: (point) => {
      sum += point.value
    },
    unread: () => undefined,
  })
  return sum
}

/** Walks the generic tree: the registry has no types. */
function peerSum(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, entry) => sum + peerSum(entry), 0)
  if (typeof value !== "object" || value === null) return 0
  if ("case" in value && value.case === "asInt" && "value" in value) return Number(value.value)
  return Object.values(value).reduce<number>((sum, entry) => sum + peerSum(entry), 0)
}

function requireEqual(ours: number, peers: number): void {
  if (ours !== peers) throw new Error(`answers differ: ours ${ours}, the peer's ${peers}`)
}

if (import.meta.main) await printAlone(otlpInBench)

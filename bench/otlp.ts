import { readFileSync } from "node:fs"
import { createFileRegistry, fromBinary, type Message, toBinary } from "@bufbuild/protobuf"
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt"
import { METRICS, type MetricKey } from "#mesh/catalogue.ts"
import type { Family, Snapshot } from "#mesh/snapshot.ts"
import { makeMetricsEncoder } from "../agent/publish/otlp/metrics-encoder.ts"
import { component } from "../scripts/components/component.ts"
import { type BenchResult, bestInTurnMs, printAlone } from "./result.ts"

const KEYS = ["requests", "failures", "requestBytes", "responseBytes", "attempts"] as const
const PER_FAMILY = 20_000
const POINTS = KEYS.length * PER_FAMILY
const ROUNDS = 8
const START_MS = 1_763_650_000_000
const OPTIONS = {
  resource: { "service.name": "meshscope-agent" },
  scope: { name: "meshscope", version: "1" },
}

/**
 * P11, out: 100,000 cumulative points with five attributes each. The peer is @bufbuild/protobuf on the protocol's own
 * descriptors, with its message already built.
 */
export async function otlpOutBench(): Promise<BenchResult[]> {
  const snapshot = makeSnapshot()
  const groups = snapshot.families.map((family) => ({ family, series: family.series }))
  const descriptors = fromBinary(FileDescriptorSetSchema, readFileSync(await component("otlp-descriptors")))
  const schema = createFileRegistry(descriptors).getMessage(
    "opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest",
  )
  if (schema === undefined) throw new Error("the descriptors lack ExportMetricsServiceRequest")
  const encoder = makeMetricsEncoder(OPTIONS)
  const bytes = encoder.encode(snapshot, groups)
  const message = fromBinary(schema, bytes)
  requireEqual(message, snapshot)
  // The peer writes the same fields in another order.
  if (toBinary(schema, message).length !== bytes.length) throw new Error("the peer writes other bytes")
  const [known, fresh, peer] = bestInTurnMs(ROUNDS, [
    () => void encoder.encode(snapshot, groups),
    () => void makeMetricsEncoder(OPTIONS).encode(snapshot, groups),
    () => void toBinary(schema, message),
  ])
  const points = `${POINTS.toLocaleString("en")} points as OTLP`
  return [
    {
      id: "P11",
      what: `encode ${points}, against @bufbuild/protobuf`,
      unit: "ms CPU",
      ours: known,
      peer,
      beside: `the peer has its message already built, and makes the bytes of all labels anew, which ours keeps from the time before; ${EQUAL}`,
      goal: { most: 60 },
    },
    {
      id: "P11",
      what: `encode ${points}, series never seen before`,
      unit: "ms CPU",
      ours: fresh,
      peer,
      beside: `the peer has its message already built, so it does less; ${EQUAL}`,
    },
  ]
}

const EQUAL =
  "it reads all values out of our bytes in their order, and writes as many bytes; labels are not compared"

function makeSnapshot(): Snapshot {
  const values = new Float64Array(POINTS + 1).map((_, slot) => slot * 37)
  let slot = 0
  const family = (key: MetricKey): Family => ({
    key,
    metric: METRICS[key],
    removals: 0,
    series: Array.from({ length: PER_FAMILY }, (_, index) => ({
      slot: ++slot,
      startMs: START_MS,
      born: 1,
      bucketAt: -1,
      labels: [
        ["mesh", "yelb"],
        ["route", `route-${index}`],
        ["source", `virtual-node-${index % 50}`],
        ["virtual_node", `appserver-v${index % 7}`],
        ["code_class", `${1 + (index % 5)}xx`],
      ],
    })),
  })
  return {
    generation: 1,
    timeMs: START_MS + 10_000,
    families: KEYS.map(family),
    values,
    changed: new Uint32Array(POINTS + 1).fill(1),
    buckets: new Float64Array(0),
    exemplar: () => undefined,
  }
}

/** The values in the order of the series, as the peer reads them. */
function requireEqual(message: Message, snapshot: Snapshot): void {
  const metrics = parts(parts(parts([message], "resourceMetrics"), "scopeMetrics"), "metrics")
  const points = parts(parts(parts(metrics, "data"), "value"), "dataPoints")
  const values = parts(parts(points, "value"), "value")
  const same =
    values.length === POINTS && values.every((value, index) => value === snapshot.values[index + 1])
  if (!same) throw new Error("the peer reads other values")
}

/** A field of each message; lists are joined. */
function parts(messages: readonly unknown[], field: string): unknown[] {
  return messages.flatMap((message): unknown => {
    return typeof message === "object" && message !== null ? Reflect.get(message, field) : []
  })
}

if (import.meta.main) await printAlone(otlpOutBench)

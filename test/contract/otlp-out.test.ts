import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fromBinary } from "@bufbuild/protobuf"
import * as fc from "fast-check"
import { expect, test } from "vitest"
import { DURATION_BOUNDS } from "#mesh/catalogue.ts"
import { BUCKET_COUNT } from "#mesh/histogram.ts"
import type { Family, Series, Snapshot } from "#mesh/snapshot.ts"
import { openLedger } from "../../agent/account/ledger.ts"
import { makeMetricsEncoder } from "../../agent/publish/otlp/metrics-encoder.ts"
import { manualClock } from "../fixtures/ledger/manual-clock.ts"
import { otlpMessage, type Plain, plain } from "../fixtures/ledger/otlp-schema.ts"

const REQUEST = await otlpMessage("opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest")
const RESOURCE = { "service.name": "meshscope-agent", "service.instance.id": "node-1", empty: "" }
const SCOPE = { name: "meshscope", version: "1.2.3" }

const attribute = (key: string, value: string): Plain => ({
  key,
  keyStrindex: 0,
  value: { value: { stringValue: value } },
})

/** The request that a snapshot should become, in the protocol's own words. */
function expected(snapshot: Snapshot): Plain {
  return {
    resourceMetrics: [
      {
        resource: {
          attributes: Object.entries(RESOURCE).map(([key, value]) => attribute(key, value)),
          droppedAttributesCount: 0,
          entityRefs: [],
        },
        scopeMetrics: [
          {
            scope: { ...SCOPE, attributes: [], droppedAttributesCount: 0 },
            metrics: snapshot.families
              .filter((family) => family.series.length > 0)
              .map((family) => metric(snapshot, family)),
            schemaUrl: "",
          },
        ],
        schemaUrl: "",
      },
    ],
  }
}

function metric(snapshot: Snapshot, family: Family): Plain {
  const { name, help, unit, type } = family.metric
  const dataPoints = family.series.map((series) =>
    type === "histogram" ? histogramPoint(snapshot, series) : numberPoint(snapshot, series, type === "gauge"),
  )
  const data: Plain =
    type === "gauge"
      ? { gauge: { dataPoints } }
      : type === "counter"
        ? { sum: { dataPoints, aggregationTemporality: 2, isMonotonic: true } }
        : { histogram: { dataPoints, aggregationTemporality: 2 } }
  return { name, description: help, unit, metadata: [], data }
}

function numberPoint(snapshot: Snapshot, series: Series, gauge: boolean): Plain {
  return {
    attributes: series.labels.map(([key, value]) => attribute(key, value)),
    startTimeUnixNano: gauge ? 0n : BigInt(series.startMs) * 1_000_000n,
    timeUnixNano: BigInt(snapshot.timeMs) * 1_000_000n,
    exemplars: [],
    flags: 0,
    value: { asDouble: snapshot.values[series.slot] ?? Number.NaN },
  }
}

function histogramPoint(snapshot: Snapshot, series: Series): Plain {
  const counts = Array.from(snapshot.buckets.subarray(series.bucketAt, series.bucketAt + BUCKET_COUNT))
  const exemplar = snapshot.exemplar(series.slot)
  return {
    attributes: series.labels.map(([key, value]) => attribute(key, value)),
    startTimeUnixNano: BigInt(series.startMs) * 1_000_000n,
    timeUnixNano: BigInt(snapshot.timeMs) * 1_000_000n,
    count: BigInt(counts.reduce((all, count) => all + count, 0)),
    sum: snapshot.values[series.slot],
    bucketCounts: counts.map(BigInt),
    explicitBounds: [...DURATION_BOUNDS],
    exemplars:
      exemplar === undefined
        ? []
        : [
            {
              filteredAttributes: [],
              timeUnixNano: BigInt(exemplar.timeMs) * 1_000_000n,
              spanId: "",
              traceId: exemplar.traceId,
              value: { asDouble: exemplar.seconds },
            },
          ],
    flags: 0,
  }
}

const text = fc.oneof(
  fc.constantFrom("a", "b", "__proto__", "x".repeat(200)),
  fc.string({ unit: "binary", minLength: 1, maxLength: 140 }),
)
const seconds = fc.double({ min: 0, max: 1000, noNaN: true })
const step = fc.oneof(
  fc.record({ metric: fc.constantFrom("requests", "attempts"), route: text, amount: fc.maxSafeNat() }),
  fc.record({
    metric: fc.constant("activeRequests"),
    route: text,
    amount: fc.double({ noNaN: true, noDefaultInfinity: true }),
  }),
  fc.record({ metric: fc.constant("duration"), route: text, amount: seconds, traced: fc.boolean() }),
)

test("what is encoded is what the protocol's own descriptors read, field by field", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.array(step, { maxLength: 20 }), (first, second) => {
      const folder = mkdtempSync(join(tmpdir(), "meshscope-property-"))
      const clock = manualClock()
      const ledger = openLedger({ folder, clock, common: { cluster: "c" } })
      const encoder = makeMetricsEncoder({ resource: RESOURCE, scope: SCOPE })
      try {
        for (const steps of [first, second]) {
          for (const one of steps) {
            if (one.metric === "activeRequests") {
              ledger.set(ledger.slot("activeRequests", { source: one.route }), one.amount)
            } else if (one.metric === "duration") {
              const slot = ledger.slot("duration", { route: one.route })
              ledger.observe(slot, one.amount)
              if ("traced" in one && one.traced)
                ledger.exemplify(slot, "5759e988bd862e3fe1be46a994272793", one.amount)
            } else {
              ledger.add(ledger.slot(one.metric, { route: one.route }), one.amount)
            }
          }
          clock.advance(4321)
          ledger.commit()
          const { snapshot } = ledger
          const groups = snapshot.families.map((family) => ({ family, series: family.series }))
          const bytes = encoder.encode(snapshot, groups)
          expect(plain(fromBinary(REQUEST, bytes))).toEqual(expected(snapshot))
          const bound = groups.reduce(
            (sum, { family, series }) =>
              series.reduce((all, next) => all + encoder.pointBytes(family, next), sum),
            20_000,
          )
          expect(bytes.length).toBeLessThan(bound)
        }
      } finally {
        ledger.close()
        rmSync(folder, { recursive: true })
      }
    }),
    { numRuns: 60 },
  )
})

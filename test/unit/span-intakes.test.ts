import { expect, test } from "vitest"
import { systemClock } from "#mesh/clock.ts"
import { makeInterner } from "#mesh/request.ts"
import { MAX_ATTRIBUTES, type Span } from "#mesh/span.ts"
import { receiveSchema } from "../../agent/config/receive-schema.ts"
import { startIntakes } from "../../agent/spans/intakes.ts"
import { Spans } from "../../agent/spans/spans.ts"
import type { Log } from "../../agent/telemetry/log.ts"
import { makeTelemetry } from "../../agent/telemetry/telemetry.ts"
import { pageTotal } from "../live/rig/page-counts.ts"

test("what is cut off of a span is counted, and the span is passed on", async () => {
  const telemetry = makeTelemetry({ version: "0", nodeVersion: "24", processMetrics: false })
  const taken: Span[] = []
  const spans = new Spans(
    { fromLogs: false },
    {
      telemetry,
      declared: { meshes: [] },
      interner: makeInterner(),
      consumers: [{ span: (span) => void taken.push(span) }],
    },
  )
  let address = ""
  const note: Log["info"] = (_, fields = {}) => {
    address = "address" in fields ? String(fields["address"]) : ""
  }
  const log: Log = { debug: note, info: note, warn: note, error: note }
  const config = receiveSchema.parse({ zipkin: { listen: "127.0.0.1:0" } })
  const stop = await startIntakes(config, { clock: systemClock, log, telemetry, spans, hosts: [] })
  try {
    const tags = Object.fromEntries(Array.from({ length: MAX_ATTRIBUTES + 5 }, (_, at) => [`tag.${at}`, "x"]))
    const span = { traceId: "1".repeat(32), id: "1".repeat(16), timestamp: 1_760_000_000_000_000, tags }
    const answer = await fetch(`${address}/api/v2/spans`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify([span]),
    })
    expect(answer.status).toBe(202)
    expect(taken.map(({ attributes }) => attributes.size)).toEqual([MAX_ATTRIBUTES])
    const page = await telemetry.text("prometheus")
    expect(pageTotal(page, "mesh_agent_span_parts_cut_total")).toBe(5)
    expect(pageTotal(page, "mesh_agent_spans_refused_total")).toBe(0)
  } finally {
    await stop()
    await telemetry.close()
  }
})

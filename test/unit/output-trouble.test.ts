import { expect, test } from "vitest"
import { makeOutputTrouble } from "../../agent/outputs/trouble.ts"
import type { DeliveryCounters } from "../../agent/publish/delivery/delivery.ts"
import { observeOutput } from "../../agent/self-metrics.ts"
import type { Log } from "../../agent/telemetry/log.ts"
import { makeTelemetry } from "../../agent/telemetry/telemetry.ts"
import { manualClock } from "../fixtures/ledger/manual-clock.ts"

const COUNTERS: DeliveryCounters = {
  offered: 30,
  delivered: 10,
  dropped: new Map([
    ["overflow", 4],
    ["too_old", 3],
    ["disk", 2],
  ]),
  held: 11,
  heldRecords: 6,
  heldBytes: 2048,
  oldestMs: 1_760_000_000_000 - 90_000,
  requests: { accepted: 5, retry: 2, rejected: 1 },
  retries: 3,
  trouble: undefined,
  remark: undefined,
}

test("another reason is told, the same one with other particulars is not", () => {
  const reasons = [
    "No AWS credentials are found: set them (no provider)",
    "No AWS credentials are found: set them (no file)",
    "AWS cannot be reached (ECONNREFUSED 10.0.0.1:443)",
    "AWS cannot be reached (ECONNREFUSED 10.0.0.2:443)",
    undefined,
    "AWS cannot be reached (ECONNREFUSED 10.0.0.2:443)",
  ]
  const said: unknown[] = []
  const note = (_: string, fields: object = {}): void => void said.push("why" in fields ? fields.why : "well")
  const log: Log = { debug: note, info: note, warn: note, error: note }
  let trouble: string | undefined
  const counters = (): DeliveryCounters => ({ ...COUNTERS, trouble })
  const look = makeOutputTrouble({ log, sink: "xray", target: "X-Ray", what: "Spans", counters })
  for (const reason of reasons) {
    trouble = reason
    look()
  }
  expect(said).toEqual([reasons[0], reasons[2], "well", reasons[5]])
})

test("the log says once that an output does not work, once that it does again, and what was dropped since", () => {
  const said: unknown[] = []
  const tell =
    (level: string) =>
    (message: string, fields: object = {}): void => {
      said.push([
        level,
        message,
        "reason" in fields ? fields.reason : "",
        "records" in fields ? fields.records : "",
      ])
    }
  const log: Log = { debug: tell("debug"), info: tell("info"), warn: tell("warn"), error: tell("error") }
  // dropped before a restart
  let counters: DeliveryCounters = { ...COUNTERS, dropped: new Map([["too_old", 100]]) }
  const look = makeOutputTrouble({
    log,
    sink: "xray",
    target: "publish.xray",
    what: "Spans",
    counters: () => counters,
  })
  look()
  counters = { ...counters, trouble: "status 503" }
  look()
  look()
  counters = { ...counters, trouble: undefined, dropped: new Map([["too_old", 103]]) }
  look()
  counters = {
    ...counters,
    dropped: new Map([
      ["too_old", 105],
      ["disk", 1],
    ]),
  }
  look()
  look()
  expect(said).toEqual([
    ["warn", "Spans are not taken now; they are kept and sent again.", "", ""],
    ["info", "Spans are taken again.", "", ""],
    ["warn", "Spans were dropped.", "too_old", 3],
    ["warn", "Spans were dropped.", "too_old", 2],
    ["warn", "Spans were dropped.", "disk", 1],
  ])
})

test("what was refused for good is said to be dropped, with the receiver's words, and not to be kept", () => {
  const said: unknown[] = []
  const note = (sentence: string, fields: object = {}): void =>
    void said.push([sentence, "why" in fields ? fields.why : ""])
  const log: Log = { debug: note, info: note, warn: note, error: note }
  let counters: DeliveryCounters = { ...COUNTERS, dropped: new Map() }
  const look = makeOutputTrouble({
    log,
    sink: "xray",
    target: "Zipkin",
    what: "Spans",
    counters: () => counters,
  })
  counters = { ...counters, remark: "status 401", dropped: new Map([["denied", 3]]) }
  look()
  look()
  counters = { ...counters, remark: "no retention", dropped: new Map([["denied", 3]]) }
  look()
  look()
  // The words come first, the drops with the next commit.
  counters = { ...counters, remark: "status 413" }
  look()
  counters = {
    ...counters,
    dropped: new Map([
      ["denied", 3],
      ["too_large", 1],
    ]),
  }
  look()
  look()
  counters = {
    ...counters,
    trouble: "no way there",
    dropped: new Map([
      ["denied", 3],
      ["too_large", 1],
      ["overflow", 2],
    ]),
  }
  look()
  expect(said).toEqual([
    ["Spans were dropped.", "status 401"],
    ["Spans are taken, with a remark.", "no retention"],
    ["Spans were dropped.", "status 413"],
    ["Spans are not taken now; they are kept and sent again.", "no way there"],
    ["Spans were dropped.", "no way there"],
  ])
})

test("the agent's own metrics tell what each output sent, dropped and holds", async () => {
  const telemetry = makeTelemetry({ version: "1", nodeVersion: "24", processMetrics: false })
  observeOutput(telemetry, "xray", manualClock(), () => COUNTERS, 4096)
  observeOutput(telemetry, "zipkin", manualClock(), () => ({ ...COUNTERS, oldestMs: undefined }), 4096)
  const text = await telemetry.text("prometheus")
  const lines = text.split("\n").filter((line) => line.includes('sink="xray"'))
  expect(lines.toSorted()).toEqual(
    [
      'mesh_agent_export_dropped_total{sink="xray",reason="disk"} 2',
      'mesh_agent_export_dropped_total{sink="xray",reason="overflow"} 4',
      'mesh_agent_export_dropped_total{sink="xray",reason="too_old"} 3',
      'mesh_agent_export_records_total{sink="xray",result="accepted"} 10',
      'mesh_agent_export_records_total{sink="xray",result="dropped"} 6',
      'mesh_agent_export_records_total{sink="xray",result="rejected"} 3',
      'mesh_agent_export_retries_total{sink="xray"} 3',
      'mesh_agent_exports_total{sink="xray",result="accepted"} 5',
      'mesh_agent_exports_total{sink="xray",result="rejected"} 1',
      'mesh_agent_exports_total{sink="xray",result="retry"} 2',
      'mesh_agent_queue_bytes{sink="xray"} 2048',
      'mesh_agent_queue_limit_bytes{sink="xray"} 4096',
      'mesh_agent_queue_oldest_seconds{sink="xray"} 90',
      'mesh_agent_queue_records{sink="xray"} 11',
    ].toSorted(),
  )
  expect(text).toContain('mesh_agent_queue_oldest_seconds{sink="zipkin"} 0')
  await telemetry.close()
})

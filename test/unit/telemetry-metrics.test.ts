import { describe, expect, test } from "vitest"
import { AGENT_METRICS } from "#mesh/agent-metrics.ts"
import { METRICS } from "#mesh/catalogue.ts"
import { expositionText } from "../../agent/telemetry/exposition.ts"
import { makeTelemetry } from "../../agent/telemetry/telemetry.ts"

const quiet = { version: "1.2.3", nodeVersion: "v24", processMetrics: false }

describe("the agent's own metrics", () => {
  test("instruments are read out as Prometheus text", async () => {
    const telemetry = makeTelemetry(quiet)
    const scrapes = telemetry.counter("scrapes")
    scrapes.add(2, { page: "stats", result: "ok" })
    scrapes.add(1, { page: "stats", result: "timeout" })
    scrapes.add(1, { page: "stats", result: "ok" })
    telemetry.gauge("targets").set(3, { state: "up" })
    telemetry.gauge("targets").set(4, { state: "up" })
    const text = await telemetry.text("prometheus")
    expect(text).toBe(`# HELP mesh_agent_build_info 1, with what runs.
# TYPE mesh_agent_build_info gauge
mesh_agent_build_info{version="1.2.3",node="v24"} 1
# HELP mesh_agent_scrapes_total ${AGENT_METRICS.scrapes.help}
# TYPE mesh_agent_scrapes_total counter
mesh_agent_scrapes_total{page="stats",result="ok"} 3
mesh_agent_scrapes_total{page="stats",result="timeout"} 1
# HELP mesh_agent_targets ${AGENT_METRICS.targets.help}
# TYPE mesh_agent_targets gauge
mesh_agent_targets{state="up"} 4
`)
    await telemetry.close()
  })

  test("observations are asked for when somebody reads; a counter stays when its source is gone", async () => {
    const telemetry = makeTelemetry(quiet)
    const numbers = { dropped: 0 }
    const end = telemetry.observe("dropped", (tell) =>
      tell(numbers.dropped, { stage: "tail", reason: "too_long" }),
    )
    numbers.dropped = 7
    expect(await telemetry.text("prometheus")).toContain(
      'mesh_agent_dropped_total{stage="tail",reason="too_long"} 7\n',
    )
    numbers.dropped = 9
    expect(await telemetry.text("prometheus")).toContain('reason="too_long"} 9\n')
    end()
    numbers.dropped = 11
    expect(await telemetry.text("prometheus")).toContain('reason="too_long"} 9\n')
    await telemetry.close()
  })

  test("two parts of the agent may observe one metric with labels of their own", async () => {
    const telemetry = makeTelemetry(quiet)
    telemetry.observe("queueBytes", (tell) => tell(1, { sink: "otlp" }))
    telemetry.observe("queueBytes", (tell) => tell(2, { sink: "prometheus" }))
    const text = await telemetry.text("prometheus")
    expect(text.match(/^# TYPE mesh_agent_queue_bytes gauge$/gm)).toHaveLength(1)
    expect(text).toContain('mesh_agent_queue_bytes{sink="otlp"} 1\n')
    expect(text).toContain('mesh_agent_queue_bytes{sink="prometheus"} 2\n')
    await telemetry.close()
  })

  test("a distribution has cumulative buckets that end in +Inf", async () => {
    const telemetry = makeTelemetry(quiet)
    const duration = telemetry.distribution("scrapeDuration")
    for (const seconds of [0.0004, 0.02, 0.02, 1000]) duration.observe(seconds, { page: "stats" })
    const text = await telemetry.text("prometheus")
    expect(text).toContain('mesh_agent_scrape_duration_seconds_bucket{page="stats",le="0.0005"} 1\n')
    expect(text).toContain('mesh_agent_scrape_duration_seconds_bucket{page="stats",le="0.025"} 3\n')
    expect(text).toContain('mesh_agent_scrape_duration_seconds_bucket{page="stats",le="+Inf"} 4\n')
    expect(text).toContain('mesh_agent_scrape_duration_seconds_sum{page="stats"} 1000.0404\n')
    expect(text).toContain('mesh_agent_scrape_duration_seconds_count{page="stats"} 4\n')
    await telemetry.close()
  })

  test("the process's own stand beside them, and no family comes twice", async () => {
    const telemetry = makeTelemetry({ ...quiet, processMetrics: true })
    globalThis.gc?.()
    for (const format of ["prometheus", "openmetrics"] as const) {
      const text = await telemetry.text(format)
      const families = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
      expect(new Set(families).size).toBe(families.length)
      expect(text).toMatch(/^process_cpu_seconds_total \d/m)
      expect(text).toMatch(/^nodejs_eventloop_lag_seconds \d/m)
      expect(text.endsWith("\n")).toBe(true)
      expect(text).not.toContain("# EOF")
    }
    await telemetry.close()
  })

  test("two agents in one process do not mix", async () => {
    const [one, two] = [makeTelemetry(quiet), makeTelemetry(quiet)]
    one.counter("overflow").add(1, {})
    expect(await two.text("prometheus")).not.toContain("overflow")
    await Promise.all([one.close(), two.close()])
  })
})

describe("exposition", () => {
  const family = {
    name: "a_total",
    type: "counter",
    help: 'back\\slash "quoted"\nnext',
    unit: "1",
    points: [
      { labels: { l: 'x"y\\z\nw', empty: "" }, value: 1e21 },
      { labels: {}, value: Infinity },
    ],
  } as const

  test("escapes and leaves out empty labels", () => {
    expect(expositionText([family], "prometheus")).toBe(
      String.raw`# HELP a_total back\\slash "quoted"\nnext
# TYPE a_total counter
a_total{l="x\"y\\z\nw"} 1e+21
a_total +Inf
`,
    )
  })

  test("OpenMetrics names a counter's family without its suffix", () => {
    expect(expositionText([family], "openmetrics")).toMatch(/^# HELP a back.*\n# TYPE a counter\na_total\{/)
  })
})

describe("the list of metrics", () => {
  const rows = [...Object.values(AGENT_METRICS), ...Object.values(METRICS)]

  test("has each name once", () => {
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length)
  })

  test.each(rows)("$name follows Prometheus's rules", ({ name, type, unit, help, labels }) => {
    expect(name).toMatch(/^mesh_[a-z_]+$/)
    expect(name.endsWith("_total")).toBe(type === "counter")
    expect(unit).not.toBe("")
    expect(help).toMatch(/\.$/)
    expect(new Set(labels).size).toBe(labels.length)
    expect(labels.every((label) => /^[a-z_]{3,}$/.test(label))).toBe(true)
  })
})

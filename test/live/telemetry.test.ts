import { spawn } from "node:child_process"
import { once } from "node:events"
import { describe, expect, test } from "vitest"
import { AGENT_METRICS } from "#mesh/agent-metrics.ts"
import { expositionText } from "../../agent/telemetry/exposition.ts"
import type { OwnFamily } from "../../agent/telemetry/families.ts"
import { makeTelemetry } from "../../agent/telemetry/telemetry.ts"
import { component } from "../../scripts/components/component.ts"

/** What Prometheus's own tool says of a page; empty when all is well. */
async function verdict(page: string): Promise<{ code: number | null; said: string }> {
  const promtool = await component("promtool")
  const child = spawn(promtool, ["check", "metrics"], { stdio: ["pipe", "ignore", "pipe"] })
  let said = ""
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text))
  child.stdin.end(page)
  await once(child, "close")
  return { code: child.exitCode, said }
}

describe("Prometheus reads the agent's own page", () => {
  test("every metric of the list, with every label, and nothing to complain of", async () => {
    const families = Object.values(AGENT_METRICS).map(({ name, type, help, unit, labels }): OwnFamily => {
      const texts = Object.fromEntries(labels.map((label) => [label, 'a "b" \\ c\nd']))
      const histogram = { bounds: [0.1, 1], counts: [1, 2, 3] }
      return {
        name,
        type,
        help,
        unit,
        points: [{ labels: texts, value: 1.5, ...(type === "histogram" ? { histogram } : {}) }],
      }
    })
    expect(await verdict(expositionText(families, "prometheus"))).toEqual({ code: 0, said: "" })
  })

  test("a running agent's page can be read", async () => {
    const telemetry = makeTelemetry({ version: "1", nodeVersion: process.version, processMetrics: true })
    telemetry.distribution("scrapeDuration").observe(0.2, { page: "stats" })
    const { said } = await verdict(await telemetry.text("prometheus"))
    // Names of Node's own metrics break its rules of style; what cannot be read would be told otherwise.
    const complaints = said.split("\n").filter((line) => line !== "" && !/^(nodejs|process)_/.test(line))
    expect(complaints).toEqual([])
    await telemetry.close()
  })
})

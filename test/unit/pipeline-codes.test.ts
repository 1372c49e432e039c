import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, test } from "vitest"
import { systemClock } from "#mesh/clock.ts"
import { makeTally } from "../../agent/account/tally.ts"
import { parseAgentConfig } from "../../agent/config/parse.ts"
import { LineReader } from "../../agent/decode/access-log/line-reader.ts"
import { EntryReader } from "../../agent/decode/als/entry-reader.ts"
import { Pipeline } from "../../agent/pipeline.ts"
import { declaredFixture, resolvingFor } from "../fixtures/config-dump/resolving.ts"

const quiet = (): void => undefined
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet }

/** Series of exact codes after a line of the fixture has gone through the whole line of the agent. */
async function codeSeries(settings: string): Promise<number> {
  const state = await mkdtemp(join(tmpdir(), "pipeline-"))
  const text = `agent: {id: a, state: ${state}}\ndiscover: {static: {targets: [{name: ui, admin: "127.0.0.1:1"}]}}\n${settings}`
  const config = parseAgentConfig({ file: join(state, "agent.yaml"), text, env: {}, hostName: "h" })
  const { model, mesh } = declaredFixture("yelb.yaml")
  const deps = { clock: systemClock, log, model: { model, notes: [] }, scraped: quiet }
  const pipeline = new Pipeline(config, deps)
  try {
    const { resolver, identity } = resolvingFor(mesh, mesh.virtualNodes[0]?.name ?? "")
    const reader = new LineReader([])
    const both = { inbound: "log", outbound: "log" } as const
    const none = { inbound: false, outbound: false }
    const provenances = { http: both, tcp: both, streamed: { http: none, tcp: none } }
    const entries = new EntryReader({ requestHeaders: [], grpcStatus: false })
    const binding = { reader, entries, resolver, provenances }
    pipeline.lines.assign(1, { binding, tally: makeTally(), identity, doubt: quiet })
    const lines = await readFile(new URL("../fixtures/access-log/app-mesh-text.log", import.meta.url))
    pipeline.lines.lines(1, lines, 0, lines.length)
    pipeline.commit()
    const families = pipeline.ledger.snapshot.families
    expect(families.find(({ key }) => key === "requests")?.series).not.toHaveLength(0)
    return families.find(({ key }) => key === "responses")?.series.length ?? 0
  } finally {
    await pipeline.drain()
    pipeline.close()
    await rm(state, { recursive: true })
  }
}

test("exact codes are counted where the configuration asks for them, and only there", async () => {
  expect(await codeSeries("")).toBe(0)
  expect(await codeSeries("count: {codes: true}")).toBeGreaterThan(0)
})

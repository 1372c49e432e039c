import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Counter, Registry } from "prom-client"
import { METRICS } from "#mesh/catalogue.ts"
import { systemClock } from "#mesh/clock.ts"
import type { Ledger } from "../agent/account/contract.ts"
import { openLedger } from "../agent/account/ledger.ts"
import { makeExposition } from "../agent/publish/prometheus/exposition.ts"
import { type BenchResult, printAlone } from "./result.ts"

const SERIES = 100_000
const ROUNDS = 8

/** P8: render 100,000 series of which a quarter changed, and how long that holds the event loop. */
export async function renderBench(): Promise<BenchResult[]> {
  const folder = mkdtempSync(join(tmpdir(), "bench-render-"))
  const ledger = openLedger({ folder, clock: systemClock })
  try {
    const registry = new Registry()
    const step = fill(ledger, registry)
    const exposition = makeExposition(ledger.snapshot, "text")
    await compare(exposition, registry)
    step(1)
    await compare(exposition, registry)
    const [ours, peer] = await timeBoth(
      ledger,
      step,
      async () => (await exposition.page()).release(),
      async () => void (await registry.metrics()),
    )
    await compare(exposition, registry)
    const what = `${SERIES.toLocaleString("en")} series, 25 % changed`
    return [
      {
        id: "P8",
        what: `render ${what}, against prom-client`,
        unit: "ms CPU",
        ours: ours.cpuMs,
        peer: peer.cpuMs,
        beside: BESIDE,
        goal: { most: 8 },
      },
      {
        id: "P8",
        what: `longest stall of the event loop, ${what}`,
        unit: "ms",
        ours: ours.stallMs,
        peer: peer.stallMs,
        beside: BESIDE,
        goal: { most: 5 },
      },
    ]
  } finally {
    ledger.close()
    rmSync(folder, { recursive: true })
  }
}

const BESIDE =
  "the peer writes all series anew each time and joins them to one string; ours keeps the lines that did not change, and hands over parts. The value of every series is equal, before and after. Stalls are by the clock"

type Exposition = ReturnType<typeof makeExposition>

/** Both hold the same series; the answer moves a quarter of them in both. */
function fill(ledger: Ledger, registry: Registry): (by: number) => void {
  const names = ["mesh", "reporter", "virtual_service", "route", "source", "virtual_node", "outcome"] as const
  const counter = new Counter({
    name: METRICS.requests.name,
    help: METRICS.requests.help,
    labelNames: [...names],
    registers: [registry],
  })
  const labels = Array.from({ length: SERIES }, (_, index) => ({
    mesh: "prod",
    reporter: "source",
    virtual_service: `service-${index % 100}.prod.local`,
    route: `route-${index % 500}`,
    source: `node-${index % 50}`,
    virtual_node: `target-${Math.floor(index / 50)}`,
    outcome: "ok",
  }))
  const slots = labels.map((label) => ledger.slot("requests", label))
  const add = (index: number, amount: number): void => {
    ledger.add(slots[index] ?? 0, amount)
    counter.inc(labels[index] ?? {}, amount)
  }
  for (let index = 0; index < SERIES; index++) add(index, index * 37)
  ledger.commit()
  return (by) => {
    for (let index = 0; index < SERIES; index += 4) add(index, by)
    ledger.commit()
  }
}

interface Cost {
  cpuMs: number
  stallMs: number
}
type Render = () => Promise<void>

/** Ours and the peer render the same state by turns. */
async function timeBoth(ledger: Ledger, step: (by: number) => void, ours: Render, peer: Render) {
  const costs: readonly [Cost, Cost] = [
    { cpuMs: Infinity, stallMs: Infinity },
    { cpuMs: Infinity, stallMs: Infinity },
  ]
  const sides = [
    { render: ours, cost: costs[0] },
    { render: peer, cost: costs[1] },
  ]
  for (let round = 0; round < ROUNDS; round++) {
    step(round + 3)
    for (const { render, cost } of sides) cost.cpuMs = Math.min(cost.cpuMs, await cpuOf(render))
    step(round + 4)
    for (const { render, cost } of sides) cost.stallMs = Math.min(cost.stallMs, await stallOf(render))
  }
  if (ledger.frozen !== undefined) throw new Error(ledger.frozen)
  return costs
}

async function cpuOf(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const used = process.cpuUsage(before)
  return (used.user + used.system) / 1000
}

/** The longest time between two turns of the event loop while `work` runs, ms. */
async function stallOf(work: () => Promise<void>): Promise<number> {
  let last = performance.now()
  let longest = 0
  let running = true
  const turn = (): void => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
    if (running) setImmediate(turn)
  }
  setImmediate(turn)
  await work()
  await systemClock.sleep(1)
  running = false
  return longest
}

async function compare(exposition: Exposition, registry: Registry): Promise<void> {
  const page = await exposition.page()
  const ours = valuesOf(Buffer.concat(page.parts).toString())
  page.release()
  const peer = valuesOf(await registry.metrics())
  if (ours.size !== SERIES || peer.size !== SERIES) throw new Error("a series is missing")
  for (const [series, value] of peer) {
    if (ours.get(series) !== value) throw new Error(`${series}: ${ours.get(series)} against ${value}`)
  }
}

function valuesOf(text: string): Map<string, string> {
  const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
  return new Map(
    samples.map((line) => {
      const space = line.lastIndexOf(" ")
      const labels = line.slice(line.indexOf("{") + 1, space - 1)
      return [labels.split(",").toSorted().join(","), line.slice(space + 1)]
    }),
  )
}

if (import.meta.main) await printAlone(renderBench)

import { spaceOf } from "../agent/account/stats/series-space.ts"
import { seriesName } from "../agent/decode/stats/layout.ts"
import { LayoutPool } from "../agent/decode/stats/layout-pool.ts"
import { PageReader } from "../agent/decode/stats/page-reader.ts"
import { labPlan } from "../test/fixtures/stats/bench-proxy.ts"
import { capturedPages } from "../test/fixtures/stats/pages.ts"
import { type BenchResult, bestCpuMs, bestInTurnMs, printAlone } from "./result.ts"
import { clusterNames, makeFleet, renderIdle } from "./stats-pages.ts"
import { StringMapParser } from "./string-map-parser.ts"

const SHAPE = { clusters: 230, replicas: 40, rounds: 4, changing: 0.25, seed: 7 }
const ROUNDS = 5
/** So many nodes, each of its own kind: no two share a layout. */
const REAL_READERS = 8

/** P1, P3, P4: stats pages of a fleet whose working set is larger than the caches, and pages of a real Envoy. */
export async function statsBench(): Promise<BenchResult[]> {
  await Promise.resolve()
  return [...fleetBench(), ...realBench(), ...churnBench(), ...stateBench()]
}

function fleetBench(): BenchResult[] {
  const { pages, lines } = makeFleet(SHAPE)
  const first = pages[0] ?? []
  const pool = new LayoutPool()
  const readers = first.map(() => new PageReader("raw", pool))
  const peers = first.map(() => new StringMapParser())
  const all = SHAPE.replicas * SHAPE.rounds
  const ours = (): void => {
    for (const round of pages) for (const [index, page] of round.entries()) readers[index]?.read(page)
  }
  const peer = (): void => {
    for (const round of pages) for (const [index, page] of round.entries()) peers[index]?.parse(page)
  }
  ours()
  peer()
  for (const [index, page] of (pages.at(-1) ?? []).entries()) {
    compare(readers[index], peers[index], page)
  }
  const [busyUs, peerUs] = microseconds(all, ours, peer)
  const size = ((first[0]?.length ?? 0) / 1e6).toFixed(2)
  const idle = idleBench(busyUs)
  return [
    {
      id: "P1",
      what: `decode one ${size} MB page of ${lines} series, 25 % changed, cold, ${SHAPE.replicas} replicas, against string and Map`,
      unit: "ns CPU per sample",
      ours: (busyUs * 1000) / lines,
      peer: (peerUs * 1000) / lines,
      beside: PARSER,
      goal: { most: 50 },
    },
    ...idle,
  ]
}

const PARSER =
  "the peer has no shared layouts and does not tell which values changed, so it does less; every number of the last page of each reader is equal, texts are left out"

function microseconds(pages: number, ours: () => void, peer: () => void): readonly [number, number] {
  const [oursMs, peerMs] = bestInTurnMs(ROUNDS, [ours, peer])
  return [(oursMs * 1000) / pages, (peerMs * 1000) / pages]
}

/** A proxy at rest: the same page, and the page with what always moves (uptime, memory, the scrape's own traces). */
function idleBench(busyUs: number): BenchResult[] {
  const reader = new PageReader("raw", new LayoutPool())
  const pages = [0, 1, 2, 3].map((step) => renderIdle(SHAPE.clusters, step))
  const same = pages[0] ?? Buffer.alloc(0)
  for (const page of [...pages, ...pages, same, same]) reader.read(page)
  const times = 50
  const still = bestCpuMs(ROUNDS, () => {
    for (let time = 0; time < times; time++) reader.read(same)
  })
  for (const page of pages) reader.read(page)
  const resting = bestCpuMs(ROUNDS, () => {
    for (let time = 0; time < times; time++) reader.read(pages[time & 3] ?? same)
  })
  return [
    {
      id: "P3",
      what: "a page where nothing changed, of the busy decode",
      unit: "share",
      ours: (still * 1000) / times / busyUs,
      goal: { most: 0.1 },
    },
    {
      id: "P3",
      what: "a page of a real idle proxy: uptime, memory and the scrape itself moved",
      unit: "share",
      ours: (resting * 1000) / times / busyUs,
    },
  ]
}

/** Scrapes of one real Envoy at steady work, read by several readers. */
function realBench(): BenchResult[] {
  return (["steady", "steady-all"] as const).map((kind) => {
    const pages = capturedPages(kind)
    const readers = Array.from({ length: REAL_READERS }, () => new PageReader("raw", new LayoutPool()))
    const peers = readers.map(() => new StringMapParser())
    const times = 40
    const ours = (): void => {
      for (let time = 0; time < times; time++) {
        for (const page of pages) for (const reader of readers) reader.read(page)
      }
    }
    const peer = (): void => {
      for (let time = 0; time < times; time++) {
        for (const page of pages) for (const one of peers) one.parse(page)
      }
    }
    ours()
    peer()
    for (const [index, reader] of readers.entries()) {
      compare(reader, peers[index], pages.at(-1) ?? Buffer.alloc(0))
    }
    const runs = times * pages.length * REAL_READERS
    const [oursUs, peerUs] = microseconds(runs, ours, peer)
    return {
      id: "P1",
      what: `a real Envoy's page (${kind}, ${((pages[0]?.length ?? 0) / 1000).toFixed(0)} KB): share of string and Map's CPU (${oursUs.toFixed(1)} us of ${peerUs.toFixed(0)})`,
      unit: "share",
      ours: oursUs / peerUs,
      beside: PARSER,
      goal: { most: 1 / 12 },
    }
  })
}

/** A new response code in each scrape: what it costs above a scrape without. */
function churnBench(): BenchResult[] {
  const { pages } = makeFleet({ ...SHAPE, replicas: 2, rounds: 8 })
  const space = spaceOf(labPlan(clusterNames(SHAPE.clusters)))
  const plain = pages.map((round) => round[0] ?? Buffer.alloc(0))
  const churned = plain.map((page, round) => withCodes(page, round))
  const us = (list: readonly Buffer[]): number => {
    let best = Infinity
    for (let time = 0; time < 4; time++) {
      const reader = new PageReader("raw", new LayoutPool())
      space.bind(reader.read(plain[0] ?? Buffer.alloc(0)))
      const spent = bestCpuMs(1, () => {
        for (const page of list) space.bind(reader.read(page))
      })
      best = Math.min(best, (spent * 1000) / list.length)
    }
    return best
  }
  return [
    {
      id: "growth",
      what: "a scrape that brings a new response code, decode and binding, of one that brings none",
      unit: "times",
      ours: us(churned) / us(plain),
      goal: { most: 2 },
    },
  ]
}

/** The page of `round` with the new codes of all rounds up to it. */
function withCodes(page: Buffer, round: number): Buffer {
  const lines = page.toString("latin1").split("\n")
  for (let code = 0; code <= round; code++) {
    const at = lines.findIndex((line) => line.includes(`.upstream_rq_200: `) && !line.includes("external"))
    const name = (lines[at] ?? "").split(":")[0]?.replace("_200", `_2${10 + code}`)
    lines.splice(at + 1 + code, 0, `${name}: 1`)
  }
  return Buffer.from(lines.join("\n"), "latin1")
}

/** Heap and buffers per series of a fleet, everything that decoding and binding hold. */
function stateBench(): BenchResult[] {
  const { pages, lines } = makeFleet({ ...SHAPE, replicas: 100, rounds: 1 })
  const first = pages[0] ?? []
  const plan = labPlan(clusterNames(SHAPE.clusters))
  const held: unknown[] = []
  const before = memory()
  const pool = new LayoutPool()
  const space = spaceOf(plan)
  for (const page of first) {
    const reader = new PageReader("raw", pool)
    space.bind(reader.read(page))
    held.push(reader, new Float64Array(space.count))
  }
  const bytes = memory() - before
  return [
    {
      id: "P4",
      what: `state per tracked series, 100 replicas of ${lines} (with ${held.length / 2} sets of last values)`,
      unit: "B",
      ours: bytes / (lines * first.length),
      goal: { most: 24 },
    },
  ]
}

function memory(): number {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function compare(reader: PageReader | undefined, peer: StringMapParser | undefined, page: Buffer): void {
  if (reader === undefined || peer === undefined) throw new Error("nothing to compare")
  const change = reader.read(page)
  peer.parse(page)
  for (let line = 0; line < change.lines; line++) {
    const start = change.layout.starts[line] ?? 0
    if (change.layout.text[start] === 34) continue
    const name = seriesName(change.layout, line)
    const value = peer.valueOf(`${name}:`)
    if (value !== change.values[line]) throw new Error(`${name}: ${change.values[line]} is not ${value}`)
  }
}

if (import.meta.main) await printAlone(statsBench)

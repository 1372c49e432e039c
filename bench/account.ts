import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Counter, Histogram, Registry } from "prom-client"
import { Field, makeAccessFact } from "#mesh/access.ts"
import { DURATION_BOUNDS, METRICS } from "#mesh/catalogue.ts"
import { systemClock } from "#mesh/clock.ts"
import { CODE_CLASSES, codeClass, OUTCOMES, outcomeOf } from "#mesh/outcome.ts"
import { makeInterner, PROTOCOLS, type RequestRow, type Resolution, type Target } from "#mesh/request.ts"
import type { Ledger } from "../agent/account/contract.ts"
import { openLedger } from "../agent/account/ledger.ts"
import { makeRequestAccountant } from "../agent/account/requests.ts"
import { makeTally } from "../agent/account/tally.ts"
import { type BenchResult, bestInTurnMs, printAlone } from "./result.ts"

const ROUTES = 500
const SERIES = 10_000
const EVENTS = 400_000
const ROUNDS = 7
const CODES = [200, 200, 301, 404, 503]

/** P7: what it costs to account one request: key, counters, duration histogram. prom-client counts the same two series. */
export async function accountBench(): Promise<BenchResult[]> {
  const work = makeWork()
  const folder = mkdtempSync(join(tmpdir(), "bench-account-"))
  const ledger = openLedger({ folder, clock: systemClock })
  try {
    const ours = makeOurs(work, ledger)
    const peer = makePeer(work)
    ours.run()
    peer.run()
    requireEqual(await ours.totals(), await peer.totals())
    const [oursMs, peerMs] = bestInTurnMs(ROUNDS, [ours.run, peer.run])
    return [
      {
        id: "P7",
        what: `account one request, ${SERIES.toLocaleString("en")} series, against prom-client`,
        unit: "ns CPU per request",
        ours: (oursMs * 1e6) / EVENTS,
        peer: (peerMs * 1e6) / EVENTS,
        beside:
          "the peer counts requests and durations with the same labels and bounds, and keeps neither bytes nor failures, so it does less; neither stores anything here (P9 does); the counts of requests and the sums of seconds of every series are equal, buckets are not compared",
        goal: { most: 20 },
      },
    ]
  } finally {
    ledger.close()
    rmSync(folder, { recursive: true })
  }
}

interface Side {
  /** Accounts all events once. */
  readonly run: () => void
  readonly totals: () => Promise<Totals>
}

/** What a decoder and a resolver would hand over, by series: they reuse one fact and one resolution. */
interface Work {
  readonly rows: readonly RequestRow[]
  readonly targets: readonly Target[]
  readonly codes: Int32Array
  readonly picks: Int32Array
  readonly durations: Int32Array
}

function makeWork(): Work {
  const interner = makeInterner()
  const codes = new Int32Array(SERIES)
  const rows: RequestRow[] = []
  const targets: Target[] = []
  for (let index = 0; index < SERIES; index++) {
    const route = index % ROUTES
    codes[index] = CODES[Math.floor(index / ROUTES) % CODES.length] ?? 200
    rows.push(
      interner.row({
        mesh: "prod",
        flavor: "app-mesh",
        reporter: "source",
        virtualGateway: "",
        gatewayRoute: "",
        virtualService: `service-${route % 100}.prod.local`,
        virtualRouter: `router-${route % 100}`,
        route: `route-${route}`,
        source: `node-${Math.floor(index / (ROUTES * CODES.length))}`,
      }),
    )
    targets.push(interner.target(`target-${route % 150}`))
  }
  let seed = 5
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((seed / 2 ** 32) * below)
  }
  return {
    rows,
    targets,
    codes,
    picks: new Int32Array(EVENTS).map(() => random(SERIES)),
    durations: new Int32Array(EVENTS).map(() => Math.floor(Math.exp(random(8000) / 1000))),
  }
}

function makeOurs(work: Work, ledger: Ledger): Side {
  const accountant = makeRequestAccountant({ ledger })
  const tally = makeTally()
  const fact = makeAccessFact()
  const { rows, targets, codes, picks, durations } = work
  fact.flags = 0
  fact.bytes = Buffer.from("via_upstream")
  fact.spans.set([0, fact.bytes.length], Field.details * 2)
  const resolution: Resolution = {
    kind: "request",
    row: someOf(rows, 0),
    target: someOf(targets, 0),
    protocol: 0,
    doubt: undefined,
  }
  return {
    run() {
      for (let event = 0; event < EVENTS; event++) {
        const pick = picks[event] ?? 0
        resolution.row = someOf(rows, pick)
        resolution.target = someOf(targets, pick)
        fact.code = codes[pick] ?? 200
        fact.durationMs = durations[event] ?? 0
        accountant.account(fact, resolution, tally)
      }
      // The peer's counters are up to date after each event.
      accountant.settle()
    },
    totals() {
      ledger.commit()
      return Promise.resolve(totalsOf(ledger))
    },
  }
}

function totalsOf({ snapshot }: Ledger): Totals {
  const totals = { requests: new Map<string, number>(), seconds: new Map<string, number>() }
  for (const family of snapshot.families) {
    const into =
      family.key === "requests" ? totals.requests : family.key === "duration" ? totals.seconds : undefined
    if (into === undefined) continue
    for (const series of family.series) {
      into.set(labelsText(Object.fromEntries(series.labels)), snapshot.values[series.slot] ?? 0)
    }
  }
  return totals
}

interface Totals {
  readonly requests: Map<string, number>
  readonly seconds: Map<string, number>
}

function makePeer(work: Work): Side {
  const registry = new Registry()
  const common = ["mesh", "flavor"]
  const counter = new Counter({
    name: METRICS.requests.name,
    help: METRICS.requests.help,
    labelNames: [...common, ...METRICS.requests.labels],
    registers: [registry],
  })
  const histogram = new Histogram({
    name: METRICS.duration.name,
    help: METRICS.duration.help,
    labelNames: [...common, ...METRICS.duration.labels],
    buckets: [...DURATION_BOUNDS],
    registers: [registry],
  })
  const run = (): void => {
    for (let event = 0; event < EVENTS; event++) {
      const pick = work.picks[event] ?? 0
      const row = someOf(work.rows, pick)
      const target = someOf(work.targets, pick)
      const code = work.codes[pick] ?? 0
      const outcome = OUTCOMES[outcomeOf(code, -1, 0, false)] ?? ""
      const route = {
        mesh: row.mesh,
        flavor: row.flavor,
        reporter: row.reporter,
        virtual_service: row.virtualService,
        virtual_router: row.virtualRouter,
        route: row.route,
        virtual_node: target.name,
        outcome,
        provenance: "log",
      }
      const protocol = PROTOCOLS[0] ?? ""
      counter.inc({ ...route, source: row.source, protocol, code_class: CODE_CLASSES[codeClass(code)] ?? "" })
      histogram.observe(route, (work.durations[event] ?? 0) / 1000)
    }
  }
  const totals = async (): Promise<Totals> => {
    const requests = (await counter.get()).values
    const seconds = (await histogram.get()).values.filter(
      ({ metricName }) => metricName?.endsWith("_sum") === true,
    )
    const map = (values: typeof requests): Map<string, number> =>
      new Map(values.map(({ labels, value }) => [labelsText(labels), value]))
    return { requests: map(requests), seconds: map(seconds) }
  }
  return { run, totals }
}

function someOf<T>(list: readonly T[], index: number): T {
  const found = list[index]
  if (found === undefined) throw new Error(`nothing at ${index}`)
  return found
}

function labelsText(labels: Partial<Record<string, string | number>>): string {
  return JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function requireEqual(ours: Totals, peer: Totals): void {
  for (const which of ["requests", "seconds"] as const) {
    if (ours[which].size !== peer[which].size) throw new Error(`different numbers of series: ${which}`)
    for (const [labels, value] of peer[which]) {
      const got = ours[which].get(labels)
      if (got === undefined || Math.abs(got - value) > 1e-6 * value) {
        throw new Error(`${which} ${labels}: ${got} against ${value}`)
      }
    }
  }
}

if (import.meta.main) await printAlone(accountBench)

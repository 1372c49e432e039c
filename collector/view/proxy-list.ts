import type { GaugeRow, SeriesLabels } from "../store/series-store.ts"
import { named, total } from "./fact.ts"
import type { ProxyRow, ProxyWord } from "./proxies.ts"
import { problemsOf, whyState } from "./proxy-problems.ts"
import { type Reading, UNMAPPED_BY } from "./reading.ts"
import { timeText } from "./time-text.ts"

/** A proxy with what decides how much its resource's numbers are worth. */
export interface Proxy extends ProxyRow {
  /** Its agent reports and its last scrape worked. One that serves nothing answers by its lines, while they come. */
  readonly answered: boolean
}

/** Configuration this much older than a replica's is drift and no roll-out. */
const DRIFT_SECONDS = 3600
const WORDS: readonly ProxyWord[] = ["live", "draining", "initializing"]

type Joined = Map<string, GaugeRow>

/** All proxies that were told of within the last hour, by agent and name. */
export function proxiesOf(reading: Reading): Proxy[] {
  const { gauges } = reading
  const counted = countedBy(reading)
  const up = joined(gauges.proxyUp)
  const info = joined(gauges.proxyInfo)
  const rest: Rest = {
    state: joined(gauges.proxyState.filter((row) => row.value === 1)),
    problems: Map.groupBy(gauges.proxyProblem, keyOfRow),
    controlPlane: joined(gauges.controlPlane),
    configAge: joined(gauges.configAge),
    uptime: joined(gauges.proxyUptime),
    memory: joined(gauges.proxyMemory),
    counted,
    unaccounted: unaccountedRatios(reading, counted),
    xdsRejected: hourTotals(reading.xdsRejected.groups),
    logWriteFailures: hourTotals(reading.logWriteFailures.groups),
  }
  const reporting = new Map(
    reading.agents.map((agent) => [
      agent.id,
      { ...agent, reports: agent.lastSeenMs >= reading.silentBeforeMs },
    ]),
  )
  const rows = [...new Set([...up.keys(), ...info.keys()])].map((key) => {
    const row = up.get(key) ?? info.get(key)
    return row === undefined ? [] : [proxyOf(row, key, up.get(key), info.get(key), rest, reporting)]
  })
  return withDrift(rows.flat())
}

interface Rest {
  readonly state: Joined
  readonly problems: ReadonlyMap<string, readonly GaugeRow[]>
  readonly controlPlane: Joined
  readonly configAge: Joined
  readonly uptime: Joined
  readonly memory: Joined
  /** Requests of each node or gateway in the window, by `resourceKey`. */
  readonly counted: ReadonlyMap<string, number>
  readonly unaccounted: ReadonlyMap<string, number>
  readonly xdsRejected: ReadonlyMap<string, number>
  readonly logWriteFailures: ReadonlyMap<string, number>
}

function proxyOf(
  row: GaugeRow,
  key: string,
  up: GaugeRow | undefined,
  info: GaugeRow | undefined,
  rest: Rest,
  agents: ReadonlyMap<
    string,
    { readonly host: string; readonly reports: boolean; readonly lastSeenMs: number }
  >,
): Proxy {
  const { labels } = row
  const agent = agents.get(row.agent)
  const reports = agent?.reports ?? false
  // Of one that cannot be asked, no stats are counted.
  const provenance = info?.labels.get("provenance") ?? null
  // An agent tells whether a proxy answers of each that it can ask.
  const asked = up !== undefined
  const stateRow = rest.state.get(key)
  const state = wordOf(reports, up, stateRow?.labels.get("state"))
  const sinceMs = state === "silent" ? agent?.lastSeenMs : state === "down" ? up?.sinceMs : stateRow?.sinceMs
  const gateway = labels.get("virtual_gateway")
  const name = nameKey(labels)
  const plane = rest.controlPlane.get(key)?.value
  const controlPlane = !reports || plane === undefined ? null : plane === 1
  const problems = reports ? problemsOf(rest.problems.get(key) ?? []) : []
  return {
    proxy: labels.get("proxy") ?? "",
    agent: row.agent,
    host: agent?.host ?? "",
    mesh: labels.get("mesh") ?? "",
    flavor: labels.get("flavor") ?? "",
    role: gateway !== undefined ? "gateway" : labels.has("virtual_node") ? "sidecar" : null,
    resource: gateway ?? labels.get("virtual_node") ?? "",
    state,
    why: whyState({ state, asked, agent: row.agent, controlPlane, problems }),
    problems,
    since: sinceMs === undefined ? null : timeText(sinceMs),
    version: info?.labels.get("version") ?? null,
    controlPlane,
    configAgeSeconds: rest.configAge.get(key)?.value ?? null,
    drifts: false,
    provenance: asked || provenance !== "stats" ? provenance : null,
    missing: (info?.labels.get("missing") ?? "").split(",").filter((word) => word !== ""),
    spans: info?.labels.get("spans") ?? null,
    uptimeSeconds: rest.uptime.get(key)?.value ?? null,
    memoryBytes: rest.memory.get(key)?.value ?? null,
    unaccountedRatio: rest.unaccounted.get(resourceKey(labels)) ?? null,
    xdsRejected: rest.xdsRejected.get(name) ?? 0,
    logWriteFailures: rest.logWriteFailures.get(name) ?? 0,
    answered: reports && (asked ? up.value === 1 : (rest.counted.get(resourceKey(labels)) ?? 0) > 0),
  }
}

function wordOf(reports: boolean, up: GaugeRow | undefined, state: string | undefined): ProxyWord {
  if (!reports) return "silent"
  if (up?.value === 0) return "down"
  return WORDS.find((word) => word === state) ?? "unknown"
}

/** By agent and proxy; of several (a label changed) the one told last. */
function joined(rows: readonly GaugeRow[]): Joined {
  const found: Joined = new Map()
  for (const row of rows) {
    const key = keyOfRow(row)
    const known = found.get(key)
    if (known === undefined || known.atMs <= row.atMs) found.set(key, row)
  }
  return found
}

function keyOfRow({ agent, labels }: GaugeRow): string {
  return `${agent}\u0000${nameKey(labels)}`
}

function nameKey(labels: SeriesLabels): string {
  return [labels.get("mesh") ?? "", labels.get("flavor") ?? "", labels.get("proxy") ?? ""].join("\u0000")
}

function resourceKey(labels: ReadonlyMap<string, string>): string {
  return ["mesh", "flavor", "virtual_gateway", "virtual_node"]
    .map((name) => labels.get(name) ?? "")
    .join("\u0000")
}

function hourTotals(groups: Reading["xdsRejected"]["groups"]): Map<string, number> {
  const totals = new Map<string, number>()
  for (const group of groups) {
    const key = nameKey(named(UNMAPPED_BY, group))
    totals.set(key, (totals.get(key) ?? 0) + total(group.values))
  }
  return totals
}

/** Requests that the own proxies of each node or gateway counted. */
function countedBy(reading: Reading): Map<string, number> {
  const counted = new Map<string, number>()
  for (const fact of reading.requests) {
    const { mesh, flavor, virtualGateway } = fact.key
    const node = virtualGateway === "" ? (fact.reporter === "source" ? fact.source : fact.virtualNode) : ""
    const key = [mesh, flavor, virtualGateway, node].join("\u0000")
    counted.set(key, (counted.get(key) ?? 0) + fact.count)
  }
  return counted
}

/** Of each node or gateway: unaccounted / (unaccounted + counted by its own proxies). */
function unaccountedRatios(reading: Reading, counted: ReadonlyMap<string, number>): Map<string, number> {
  const missed = new Map<string, number>()
  for (const group of reading.unaccounted.groups) {
    const key = resourceKey(named(UNMAPPED_BY, group))
    missed.set(key, (missed.get(key) ?? 0) + total(group.values))
  }
  const ratios = new Map<string, number>()
  for (const [key, count] of counted) {
    const all = count + (missed.get(key) ?? 0)
    if (all > 0) ratios.set(key, (missed.get(key) ?? 0) / all)
  }
  return ratios
}

/** A configuration age much above the youngest of the same resource, unless all are alike. */
function withDrift(proxies: readonly Proxy[]): Proxy[] {
  const youngest = new Map<string, number>()
  const key = (proxy: Proxy): string => [proxy.mesh, proxy.flavor, proxy.role, proxy.resource].join("\u0000")
  for (const proxy of proxies) {
    if (proxy.configAgeSeconds === null) continue
    youngest.set(key(proxy), Math.min(youngest.get(key(proxy)) ?? Infinity, proxy.configAgeSeconds))
  }
  return proxies.map((proxy) => {
    const age = proxy.configAgeSeconds
    const drifts = age !== null && age - (youngest.get(key(proxy)) ?? age) > DRIFT_SECONDS
    return { ...proxy, drifts }
  })
}

import { HEALTH_RULES, type Health, healthOf } from "#mesh/health.ts"
import { OUTCOMES, type Outcome } from "#mesh/outcome.ts"
import type { Reporter } from "#mesh/resource.ts"
import type { HostsSeen } from "./answer.ts"
import { declaredRoutes } from "./declared-routes.ts"
import { keyOf, named, type RequestFact } from "./fact.ts"
import { nodeKey } from "./hosts.ts"
import type { Inventory, Weight } from "./inventory.ts"
import { knownRates } from "./known-rate.ts"
import { addBuckets, noOutcomes, numbersOf, type OutcomeCounts, quantileSteps } from "./numbers.ts"
import type { Proxy } from "./proxy-list.ts"
import { DURATION_BY, DURATION_HOUR_BY, HOUR_BY, hasSilentAgent, POINT_MS, type Reading } from "./reading.ts"
import { isBracketed, kindOf, nameOf, ownKey, routeId, routeText, syntheticOf } from "./route-id.ts"
import type { FlagCount, RouteKey, RouteRow, SparkPoints, TargetErrors } from "./route-row.ts"
import { type Spell, spellOf } from "./spell.ts"
import { outcomesWith, serviceKey, type TcpSums, tcpByNode, tcpByService, tcpNumbers } from "./tcp.ts"
import { timeText } from "./time-text.ts"
import { whyUnknown } from "./unknown.ts"

/** What comes together in one row. */
interface Draft {
  readonly key: RouteKey
  readonly reporter: Reporter
  declared: boolean
  readonly facts: RequestFact[]
  readonly flags: Map<string, number>
  buckets: Float64Array | undefined
  hourBuckets: Float64Array | undefined
  /** Requests per minute by outcome. */
  readonly hour: Map<string, Float64Array>
  /** The same in the store's own steps; empty where it has no errors. */
  readonly fine: Map<string, Float64Array>
  /** When any of its requests was last told of, ms. */
  lastMs: number
  /** TCP of each caller; empty for other protocols. */
  readonly tcp: TcpSums[]
}

/** Rows with what was added up for them: durations of the window by row id, so that sums of rows need no second look. */
export interface Rows {
  readonly rows: readonly RouteRow[]
  readonly buckets: ReadonlyMap<string, Float64Array>
}

/** What rows are made with, each looked up once per row. */
interface Around {
  readonly reading: Reading
  readonly hosts: ReadonlyMap<string, HostsSeen>
  /** Weights by `routeText`. */
  readonly weights: ReadonlyMap<string, readonly Weight[]>
  /** Nodes that services sit on, by `serviceText`. */
  readonly serviceNodes: ReadonlyMap<string, string>
  /** Proxies by mesh and flavor. */
  readonly proxies: ReadonlyMap<string, readonly Proxy[]>
  readonly tcp: ReadonlyMap<string, TcpSums>
}

/** Every row of the routes table: all declared ones, and all that had traffic. Rows of other reporters stay apart. */
export function routeRows(
  reading: Reading,
  inventory: Inventory,
  proxies: readonly Proxy[],
  hosts: ReadonlyMap<string, HostsSeen>,
): Rows {
  const drafts = new Map<string, Draft>()
  for (const { key, reporter } of declaredRoutes(inventory).values())
    draftOf(drafts, key, reporter).declared = true
  for (const fact of reading.requests) {
    if (fact.reporter !== "destination") draftOf(drafts, fact.key, fact.reporter).facts.push(fact)
  }
  for (const failure of reading.failures) {
    if (failure.reporter === "destination" || failure.outcome !== "error") continue
    const { flags } = draftOf(drafts, failure.key, failure.reporter)
    flags.set(failure.flags, (flags.get(failure.flags) ?? 0) + failure.count)
  }
  takeDurations(drafts, reading)
  takeHour(drafts, reading)
  takeTcp(drafts, reading)
  const around: Around = {
    reading,
    hosts,
    weights: Map.groupBy(inventory.weights, ({ key }) => routeText(ownKey(key, "source"), "source")),
    serviceNodes: new Map(
      inventory.resources
        .filter((resource) => resource.kind === "virtual_service")
        .map((service) => [serviceText(service, service.name), service.virtualNode] as const),
    ),
    proxies: Map.groupBy(proxies, meshText),
    tcp: tcpByNode(reading),
  }
  const shown = [...drafts.values()].filter((draft) => draft.declared || hasTraffic(draft))
  const rows = shown.map((draft) => rowOf(draft, around))
  const buckets = new Map<string, Float64Array>()
  shown.forEach((draft, index) => {
    const id = rows[index]?.id
    if (id !== undefined && draft.buckets !== undefined) buckets.set(id, draft.buckets)
  })
  return { rows, buckets }
}

interface InMesh {
  readonly mesh: string
  readonly flavor: string
}

function meshText({ mesh, flavor }: InMesh): string {
  return `${mesh}\u0000${flavor}`
}

function serviceText(of: InMesh, name: string): string {
  return `${meshText(of)}\u0000${name}`
}

function draftOf(drafts: Map<string, Draft>, key: RouteKey, reporter: Reporter): Draft {
  const own = ownKey(key, reporter)
  const text = routeText(own, reporter)
  const known = drafts.get(text)
  if (known !== undefined) return known
  const made: Draft = {
    key: own,
    reporter,
    declared: false,
    facts: [],
    flags: new Map(),
    buckets: undefined,
    hourBuckets: undefined,
    hour: new Map(),
    fine: new Map(),
    lastMs: 0,
    tcp: [],
  }
  drafts.set(text, made)
  return made
}

/** Outcomes that an error ratio is made of. */
const JUDGED: readonly Outcome[] = ["ok", "client_error", "error"]

const REPORTERS_OF_ROUTES: readonly Reporter[] = ["gateway", "source"]

function reporterOf(labels: ReadonlyMap<string, string>): Reporter | undefined {
  return REPORTERS_OF_ROUTES.find((name) => name === labels.get("reporter"))
}

function takeDurations(drafts: Map<string, Draft>, reading: Reading): void {
  for (const group of reading.durations.groups) {
    const labels = named(DURATION_BY, group)
    const reporter = reporterOf(labels)
    if (reporter === undefined) continue
    const draft = draftOf(drafts, keyOf(labels), reporter)
    draft.buckets = addBuckets(draft.buckets, group.values)
  }
  for (const group of reading.durationHour.groups) {
    const labels = named(DURATION_HOUR_BY, group)
    const reporter = reporterOf(labels)
    if (reporter === undefined) continue
    const draft = draftOf(drafts, keyOf(labels), reporter)
    draft.hourBuckets = addBuckets(draft.hourBuckets, group.values)
  }
}

function takeHour(drafts: Map<string, Draft>, reading: Reading): void {
  for (const group of reading.hour.groups) {
    const labels = named(HOUR_BY, group)
    const reporter = reporterOf(labels)
    if (reporter === undefined) continue
    const draft = draftOf(drafts, keyOf(labels), reporter)
    const outcome = labels.get("outcome") ?? ""
    draft.hour.set(outcome, addBuckets(draft.hour.get(outcome), group.values))
    draft.lastMs = Math.max(draft.lastMs, group.lastMs)
  }
  for (const group of reading.fine.groups) {
    const labels = named(HOUR_BY, group)
    const reporter = reporterOf(labels)
    if (reporter === undefined) continue
    const { fine } = draftOf(drafts, keyOf(labels), reporter)
    const outcome = labels.get("outcome") ?? ""
    fine.set(outcome, addBuckets(fine.get(outcome), group.values))
  }
}

/**
 * Connections know their service, not their route: they count for a service that has one row, or none yet. A name in
 * brackets is no service: what HTTP was asked there stays a row beside.
 */
function takeTcp(drafts: Map<string, Draft>, reading: Reading): void {
  const rowsByService = Map.groupBy(
    [...drafts.values()].filter(({ reporter }) => reporter === "source"),
    ({ key }) => serviceText(key, key.virtualService),
  )
  const serving = [...tcpByService(reading).values()].filter((sums) => sums.virtualService !== "")
  for (const [service, all] of Map.groupBy(serving, (sums) => serviceText(sums, sums.virtualService))) {
    const [first] = all
    if (first === undefined) continue
    const rows = isBracketed(first.virtualService) ? [] : (rowsByService.get(service) ?? [])
    const row = rows.length === 0 ? draftOf(drafts, serviceKey(first), "source") : rows[0]
    if (rows.length < 2) row?.tcp.push(...all)
  }
}

function hasTraffic(draft: Draft): boolean {
  if (draft.tcp.length > 0) return true
  if (draft.facts.some((fact) => fact.count > 0)) return true
  return [...draft.hour.values()].some((values) => values.some((value) => value > 0))
}

function rowOf(draft: Draft, around: Around): RouteRow {
  const { reading } = around
  const { key, reporter } = draft
  const counts = noOutcomes()
  for (const fact of draft.facts) counts[fact.outcome] += fact.count
  const tcp = tcpOf(draft, around)
  const asked = proxiesFor(draft, around)
  const answered = asked.filter((proxy) => proxy.answered).length
  const health = healthOf({
    ...outcomesWith(tcp, counts),
    ...targetHosts(draft, around),
    complete: answered === asked.length,
    seen: asked.length > 0,
  })
  const points = pointsOf(draft, reading)
  const spell = newestSpell(health, draft, reading)
  const synthetic = syntheticOf(key, tcp === undefined ? "requests" : "connections")
  return {
    id: routeId(key, reporter),
    key: withService(draft),
    kind: kindOf(key),
    name: nameOf(key),
    synthetic: synthetic?.synthetic ?? null,
    why: synthetic?.why ?? (health === "unknown" ? whyUnknown(asked, reading.endMs) : null),
    declared: draft.declared,
    health,
    // What began before anything was known began then, for all that we know.
    since: ongoing(spell) ? timeText(Math.max(spell.sinceMs, reading.knownFromMs)) : null,
    endedAt: spell?.endedMs === undefined ? null : timeText(spell.endedMs),
    reporter,
    numbers: numbersOf(counts, draft.buckets, reading.rateMs / 1000),
    tcp: tcp === undefined ? null : tcpNumbers(tcp, reading.rateMs / 1000),
    flagsTop: topFlags(draft.flags),
    worstTarget: worstTarget(draft.facts),
    provenance: provenanceOf(draft.facts),
    points,
    answered,
    known: asked.length,
  }
}

/** Connections over all callers; those open are known where the service sits on one node. */
function tcpOf(draft: Draft, around: Around): TcpSums | undefined {
  const [first, ...rest] = draft.tcp
  if (first === undefined) return undefined
  const sums = { ...first }
  for (const each of rest) {
    sums.opened += each.opened
    sums.closed += each.closed
    sums.closedWithError += each.closedWithError
    sums.sentBytes += each.sentBytes
    sums.receivedBytes += each.receivedBytes
  }
  const { mesh, flavor, virtualService } = first
  const node = around.serviceNodes.get(serviceText(first, virtualService)) ?? ""
  if (node !== "") sums.active = around.tcp.get(nodeKey(mesh, flavor, node))?.active
  return sums
}

/** A gateway route that was declared without its service takes it from its traffic. */
function withService(draft: Draft): RouteKey {
  if (draft.key.virtualService !== "" || draft.reporter !== "gateway") return draft.key
  const service = draft.facts.find((fact) => fact.key.virtualService !== "")?.key.virtualService ?? ""
  return { ...draft.key, virtualService: service }
}

/**
 * Proxies that would report the row: the gateway's own, or those of callers seen. Where no caller was ever seen, any
 * proxy of the mesh may be one.
 */
function proxiesFor(draft: Draft, around: Around): readonly Proxy[] {
  const { virtualGateway } = draft.key
  const inMesh = around.proxies.get(meshText(draft.key)) ?? []
  if (draft.reporter === "gateway")
    return inMesh.filter((proxy) => proxy.role === "gateway" && proxy.resource === virtualGateway)
  const nodes = new Set([...draft.facts, ...draft.tcp].map(({ source }) => source))
  const gateways = new Set(draft.facts.map((fact) => fact.key.virtualGateway))
  const callers = inMesh.filter((proxy) =>
    proxy.role === "gateway" ? gateways.has(proxy.resource) : nodes.has(proxy.resource),
  )
  return draft.facts.length + draft.tcp.length === 0 ? inMesh : callers
}

/** Hosts of all targets with a weight; a route with none left answers nothing. */
function targetHosts(draft: Draft, around: Around): { healthyHosts?: number; totalHosts?: number } {
  if (draft.reporter === "gateway") return {}
  const targets = (around.weights.get(routeText(draft.key, "source")) ?? []).filter(
    ({ weight }) => weight > 0,
  )
  let healthyHosts = 0
  let totalHosts = 0
  for (const { virtualNode } of targets) {
    const seen = around.hosts.get(nodeKey(draft.key.mesh, draft.key.flavor, virtualNode))
    // A target that nobody can tell about may well answer.
    if (seen === undefined) return {}
    healthyHosts += seen.healthy
    totalHosts += seen.total
  }
  return targets.length === 0 ? {} : { healthyHosts, totalHosts }
}

function provenanceOf(facts: readonly RequestFact[]): RouteRow["provenance"] {
  const found = new Set(facts.filter((fact) => fact.count > 0).map((fact) => fact.provenance))
  if (found.size > 1) return "mixed"
  return [...found][0] ?? null
}

function topFlags(flags: ReadonlyMap<string, number>): FlagCount[] {
  return [...flags]
    .map(([name, count]) => ({ flags: name, count }))
    .toSorted((a, b) => b.count - a.count)
    .slice(0, 3)
}

/** No target that has half of the errors or fewer: with it, a sentence would name the wrong place. */
function worstTarget(facts: readonly RequestFact[]): TargetErrors | null {
  const errors = new Map<string, number>()
  let all = 0
  for (const { virtualNode, outcome, count } of facts) {
    if (outcome !== "error" || count <= 0) continue
    all += count
    if (virtualNode !== "") errors.set(virtualNode, (errors.get(virtualNode) ?? 0) + count)
  }
  const most = [...errors].find(([, count]) => count > all / 2)
  return most === undefined ? null : { virtualNode: most[0], errors: most[1] }
}

/** Requests of one minute by outcome. */
function minuteOf(draft: Draft, minute: number): OutcomeCounts {
  const counts = noOutcomes()
  for (const outcome of OUTCOMES) counts[outcome] = draft.hour.get(outcome)?.[minute] ?? 0
  return counts
}

function pointsOf(draft: Draft, reading: Reading): SparkPoints {
  const { steps, fromMs } = reading.hour
  const minutes = Array.from({ length: steps }, (_, minute) =>
    numbersOf(minuteOf(draft, minute), undefined, POINT_MS / 1000),
  )
  const rate = knownRates(reading.hour, reading)
  return {
    startAt: timeText(fromMs),
    stepSeconds: POINT_MS / 1000,
    requests: minutes.map(({ requests }, minute) => rate(requests, minute)),
    errorRatio: minutes.map((minute) => minute.errorRatio),
    p95Ms: quantileSteps(draft.hourBuckets, steps, 0.95),
  }
}

/** When what makes a failing or degraded row so began, and whether it has ended since. */
function newestSpell(health: Health, draft: Draft, reading: Reading): Spell | undefined {
  if (health !== "failing" && health !== "degraded") return undefined
  const limit = health === "failing" ? HEALTH_RULES.failingErrorRatio : HEALTH_RULES.degradedErrorRatio
  const counts = draft.fine.size > 0 ? draft.fine : draft.hour
  const { steps, fromMs, stepMs } = draft.fine.size > 0 ? reading.fine : reading.hour
  const judged = new Float64Array(steps)
  for (const outcome of JUDGED) addBuckets(judged, counts.get(outcome) ?? new Float64Array(steps))
  const errors = counts.get("error") ?? new Float64Array(steps)
  // Of what a silent agent told of, nothing is known since.
  const untilMs = hasSilentAgent(reading) ? Math.min(reading.endMs, draft.lastMs) : reading.endMs
  const windowFromMs = reading.endMs - reading.windowMs
  return spellOf({ fromMs, stepMs, judged, errors, untilMs, windowFromMs }, limit)
}

function ongoing(spell: Spell | undefined): spell is Spell {
  return spell !== undefined && spell.endedMs === undefined
}

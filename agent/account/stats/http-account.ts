import { flagBit } from "#mesh/flags.ts"
import { ABORTED, ERROR, outcomeOf } from "#mesh/outcome.ts"
import type { HttpPlan, RequestRow, Target } from "#mesh/request.ts"
import type { Reporter } from "#mesh/resource.ts"
import type { Ledger, Slot } from "../contract.ts"
import { healthCheckLabels } from "../request-labels.ts"
import {
  CLASS_2XX,
  CLASS_3XX,
  CLASS_4XX,
  CLASS_5XX,
  CLASS_NONE,
  CLASSES,
  ClusterAnswers,
  PROXY,
  placeOf,
  UNKNOWN,
} from "./answers.ts"
import { type Carry, Settling } from "./carry.ts"
import { CutAnswers, type Places, tellEndings } from "./cut-answers.ts"
import type { HttpField } from "./fields.ts"
import { OwnReplies } from "./own-replies.ts"
import { RequestCounter } from "./request-counter.ts"
import type { SeriesSpace } from "./series-space.ts"

export interface HttpParts {
  readonly ledger: Ledger
  readonly space: SeriesSpace
  readonly carry: Carry
  /** The last value of a place of the space; gauges are read from here. */
  value(place: number): number
}

/**
 * The requests of one connection manager, from counters alone (provenance `stats`). Measured on Envoy 1.40, see
 * docs/decisions: what the clusters answered is theirs by class; what the manager answered beyond that Envoy answered
 * itself; what began and neither ended with an answer nor is under way was aborted by its caller.
 */
export class HttpAccount {
  readonly reporter: Reporter
  readonly #parts: HttpParts
  readonly #http: readonly number[]
  readonly #unmatchedRow: RequestRow
  readonly #unmatchedTarget: Target
  readonly #answers: readonly ClusterAnswers[]
  readonly #unmatched: RequestCounter
  readonly #places: Places
  readonly #own: OwnReplies
  readonly #aborted: Settling
  readonly #abortedLate: Settling
  /** Cell: resets by callers that no aborted request explains so far. */
  readonly #resets: number
  readonly #cut: CutAnswers
  #healthSlot: Slot | undefined
  #healthRetired = 0
  /** Requests of health checkers since this object was made. */
  healthChecks = 0

  /** @param plans one, or several that share the row of what Envoy answers itself: clusters may serve them all */
  constructor(plans: readonly { readonly plan: HttpPlan; readonly http: number }[], parts: HttpParts) {
    const [first] = plans
    if (first === undefined) throw new TypeError("an account needs a plan")
    this.reporter = first.plan.reporter
    this.#parts = parts
    this.#http = plans.map(({ http }) => http)
    const signLooks = this.reporter === "gateway" ? GATEWAY_SIGN_LOOKS : 1
    const entries = distinctClusters(plans.map(({ plan }) => plan))
    const name = `http.${plans.map(({ plan }) => plan.statPrefix).join("+")}`
    this.#answers = entries.map((entry) => {
      const payer = entries.find((other) => placeOf(other) === placeOf(entry)) ?? entry
      return new ClusterAnswers(name, entry, parts, { signLooks, payer: payer.statName })
    })
    const protocols = new Set(entries.map(({ protocol }) => protocol))
    const [only = 0] = protocols
    this.#unmatchedRow = first.plan.unmatched
    this.#unmatchedTarget = first.plan.unmatchedTarget ?? { id: -1, name: "" }
    const protocol = protocols.size === 1 ? only : 0
    this.#unmatched = new RequestCounter(parts.ledger, this.#unmatchedRow, this.#unmatchedTarget, protocol)
    this.#own = new OwnReplies(parts.carry, name, protocols.has(2))
    this.#aborted = new Settling(parts.carry, `${name}.aborted`)
    this.#abortedLate = new Settling(parts.carry, `${name}.late`)
    this.#resets = parts.carry.cell(`${name}.resets`)
    this.#places = { answers: this.#answers, unmatched: this.#unmatched }
    this.#cut = new CutAnswers(this.#places, parts.carry, name)
  }

  /** All requests counted here, health checks included. */
  get counted(): number {
    return this.#answers.reduce((all, { counter }) => all + counter.counted, this.#unmatched.counted)
  }

  /** Requests under way. */
  get #active(): number {
    const parts = this.#parts
    const of = (http: number): number => parts.value(parts.space.ofHttp(http, "downstream_rq_active")) || 0
    return this.#http.reduce((all, http) => all + of(http), 0)
  }

  /** One tick; the deltas stand in the space. */
  tick(): void {
    const upgraded = this.#answers.reduce((all, answers) => all + answers.delta("upstream_rq_101"), 0)
    const aborts = this.#countAborted(upgraded)
    this.#seeCut()
    for (const answers of this.#answers) {
      answers.count(this.#activeOf(answers), aborts.now, this.#cut.open > 0)
    }
    this.#cut.settle(false)
    this.#countLate(aborts.settled)
    for (const answers of this.#answers) answers.tellGood(this.#mayGoOn(answers))
    this.#countOwn(false)
    for (const answers of this.#answers) answers.endTick()
  }

  /** Tells good answers also of requests that go on: their rows may be others from now on. */
  tellGood(): void {
    for (const answers of this.#answers) answers.tellGood(0)
  }

  /** The proxy is gone: what waited for a second look is counted as it was seen. */
  flush(): void {
    this.#cut.settle(true)
    for (const answers of this.#answers) answers.flush()
    this.#countOwn(true)
    this.#unmatched.add(this.#aborted.flush(), ABORTED, CLASS_NONE, 0, UNKNOWN)
  }

  #delta(field: HttpField): number {
    const { space } = this.#parts
    let all = 0
    for (const http of this.#http) all += space.delta[space.ofHttp(http, field)] ?? 0
    return all
  }

  /** @returns requests that ended without an answer: as this tick's counters say, and as far as that is certain */
  #countAborted(upgraded: number): { readonly now: number; readonly settled: number } {
    const health = Math.max(this.#delta("health_check_request_total"), this.#delta("tracing_health_check"))
    this.#countHealth(health)
    const answered =
      this.#delta("downstream_rq_2xx") +
      this.#delta("downstream_rq_3xx") +
      this.#delta("downstream_rq_4xx") +
      this.#delta("downstream_rq_5xx") +
      upgraded
    const redirects = this.#answers.reduce(
      (all, answers) => all + answers.delta("upstream_internal_redirect_succeeded_total"),
      0,
    )
    const ended = this.#delta("downstream_rq_total") - this.#delta("downstream_rq_active")
    const aborts = ended - answered - health - redirects
    this.#aborted.add(aborts)
    const settled = this.#aborted.settle(this.#delta("downstream_rq_total"))
    this.#unmatched.add(settled, ABORTED, CLASS_NONE, 0, UNKNOWN)
    return { now: aborts, settled }
  }

  #countHealth(requests: number): void {
    if (requests <= 0) return
    const { ledger } = this.#parts
    if (this.#healthSlot === undefined || this.#healthRetired !== ledger.counters.retired) {
      this.#healthRetired = ledger.counters.retired
      const labels = healthCheckLabels(this.#unmatchedRow, this.#unmatchedTarget)
      this.#healthSlot = ledger.slot("healthChecks", labels)
    }
    ledger.add(this.#healthSlot, requests)
    this.healthChecks += requests
  }

  /** The manager counts a reset of each answer that was cut; an upgraded connection that ends does so too. */
  #seeCut(): void {
    const ends = this.#delta("downstream_cx_upgrades_total") - this.#delta("downstream_cx_upgrades_active")
    this.#cut.see(this.#delta("downstream_rq_tx_reset") - Math.max(0, ends))
  }

  #activeOf({ cluster }: ClusterAnswers): number {
    return this.#parts.value(this.#parts.space.ofCluster(cluster, "upstream_rq_active")) || 0
  }

  /**
   * Good answers of a cluster that may not have ended, or may have ended badly. A gateway's clusters are those of its
   * second pass, which may be over before the first.
   */
  #mayGoOn(answers: ClusterAnswers): number {
    const active = this.reporter === "gateway" ? this.#active : this.#activeOf(answers)
    return active + this.#cut.mayBeOf(answers) + Math.max(0, this.#abortedLate.waiting)
  }

  /**
   * Callers that left after the headers: as many resets as nothing else explains. A lower bound. A request that is
   * answered and still under way makes `aborted` wait below zero, which explains no reset.
   */
  #countLate(aborted: number): void {
    const { carry } = this.#parts
    const resets = this.#delta("downstream_rq_rx_reset") - this.#delta("downstream_rq_tx_reset")
    carry.add(this.#resets, resets - this.#delta("downstream_rq_response_before_rq_complete") - aborted)
    const unexplained = carry.get(this.#resets) - Math.max(0, this.#aborted.waiting)
    this.#abortedLate.add(unexplained - this.#abortedLate.waiting)
    // A request that has its headers and goes on hides an aborted one from `aborted`, so that its reset seems to be late.
    const late = this.#abortedLate.settle(this.#delta("downstream_rq_total"), this.#active)
    carry.add(this.#resets, -late)
    if (late > 0) tellEndings(this.#places, late, ABORTED, ({ left }) => left)
  }

  /** What the manager answered and no cluster did: Envoy's own replies. */
  #countOwn(last: boolean): void {
    for (const [index, field] of CLASSES.entries()) {
      const clusters = this.#answers.reduce((all, answers) => all + answers.delta(field), 0)
      const manager = this.#delta(MANAGER_CLASSES[index] ?? "downstream_rq_2xx")
      this.#own.see(index, last ? 0 : manager - clusters, clusters)
    }
    this.#own.cause("NR", last ? 0 : this.#delta("no_route"))
    this.#own.cause("NC", last ? 0 : this.#delta("no_cluster"))
    this.#own.cause("SI", last ? 0 : this.#delta("downstream_rq_idle_timeout"))
    this.#own.cause("DPE", last ? 0 : this.#delta("downstream_cx_protocol_error"))
    this.#own.cause("UAEX", last ? 0 : this.#delta("ext_authz_denied") + this.#delta("ext_authz_error"))
    this.#own.cause("FI", last ? 0 : this.#delta("fault_aborts_injected"))
    const gateway = this.reporter === "gateway"
    this.#own.settle(last, (replies, index, flag, grpc) => {
      const bits = flag === undefined ? 0 : flagBit(flag)
      const outcome = grpc ? ERROR : outcomeOf(CODES[index] ?? 0, -1, bits, gateway)
      this.#unmatched.add(replies, outcome, STATUS_CLASSES[index] ?? CLASS_NONE, bits, PROXY)
    })
  }
}

/**
 * A gateway's second pass holds a connection on which an answer was cut open for a second (`delayed_close_timeout`)
 * before its first pass sees the cut.
 */
const GATEWAY_SIGN_LOOKS = 3
const MANAGER_CLASSES = [
  "downstream_rq_2xx",
  "downstream_rq_3xx",
  "downstream_rq_4xx",
  "downstream_rq_5xx",
] as const
const STATUS_CLASSES = [CLASS_2XX, CLASS_3XX, CLASS_4XX, CLASS_5XX] as const
/** A code that stands for its class. */
const CODES = [200, 300, 400, 500] as const

/** A cluster that several plans name counts once, for the first. */
function distinctClusters(plans: readonly HttpPlan[]): HttpPlan["clusters"][number][] {
  const byName = new Map<string, HttpPlan["clusters"][number]>()
  for (const { clusters } of plans) {
    for (const entry of clusters) if (!byName.has(entry.statName)) byName.set(entry.statName, entry)
  }
  return [...byName.values()]
}

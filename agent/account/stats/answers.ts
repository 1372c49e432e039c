import { flagBit } from "#mesh/flags.ts"
import { CLIENT_ERROR, ERROR, OK } from "#mesh/outcome.ts"
import type { HttpPlan } from "#mesh/request.ts"
import type { Ledger } from "../contract.ts"
import type { Carry } from "./carry.ts"
import type { ClusterField } from "./fields.ts"
import { GoodAnswers } from "./good-answers.ts"
import { GrpcAnswers } from "./grpc-answers.ts"
import { RequestCounter } from "./request-counter.ts"
import type { SeriesSpace } from "./series-space.ts"
import { Signs } from "./signs.ts"

/** Index into `ANSWERED_BY`. */
const APP = 0
export const PROXY = 1
export const UNKNOWN = 2
/** Indexes into `CODE_CLASSES`. */
const CLASS_1XX = 0
export const CLASS_2XX = 1
export const CLASS_3XX = 2
export const CLASS_4XX = 3
export const CLASS_5XX = 4
export const CLASS_NONE = 5

const RETRIES_USED_UP = flagBit("URX")

/** Counters that tell for certain why Envoy answered a request of a cluster with a 5xx of its own. */
const CAUSES: readonly (readonly [number, readonly ClusterField[]])[] = [
  [flagBit("UH"), ["upstream_cx_none_healthy"]],
  [flagBit("UO"), ["upstream_rq_pending_overflow", "upstream_rq_active_overflow"]],
  [flagBit("UF"), ["upstream_rq_pending_failure_eject"]],
  [flagBit("UT"), ["upstream_rq_timeout"]],
]
/** Counters that move where Envoy may have answered in place of the application, without saying so for certain. */
const DOUBTFUL: readonly ClusterField[] = [
  "upstream_rq_retry",
  "upstream_rq_per_try_timeout",
  "upstream_rq_max_duration_reached",
  "upstream_rq_rx_reset",
  "upstream_rq_maintenance_mode",
  "upstream_cx_destroy_local_with_active_rq",
  "upstream_cx_destroy_remote_with_active_rq",
  "upstream_cx_protocol_error",
  "http2_rx_reset",
  "http2_tx_reset",
]
/** Requests that never reached an upstream; `upstream_rq_total` lacks them, an access log tells one attempt each. */
const UNATTEMPTED: readonly ClusterField[] = [
  "upstream_cx_none_healthy",
  "upstream_rq_pending_overflow",
  "upstream_rq_active_overflow",
  "upstream_rq_pending_failure_eject",
]
/** What may cut an answer that has begun, beside a connection that breaks. */
const CUTS: readonly ClusterField[] = [
  "http2_rx_reset",
  "upstream_rq_timeout",
  "upstream_rq_max_duration_reached",
]
/** What a caller that leaves does to the upstream side. */
const LEFT: readonly ClusterField[] = ["upstream_cx_destroy_local_with_active_rq", "http2_tx_reset"]

/** The same text for clusters whose answers are told alike. */
export function placeOf({ row, target, protocol }: HttpPlan["clusters"][number]): string {
  return `${row.id}.${target.id}.${protocol}`
}

/** The answers of one cluster under one connection manager, as its counters tell them. */
export class ClusterAnswers {
  readonly counter: RequestCounter
  readonly cluster: number
  readonly #space: SeriesSpace
  readonly #carry: Carry
  readonly good: GoodAnswers
  readonly #grpc: GrpcAnswers | undefined
  /** Cell: gRPC calls whose retries were used up, so far as no answer shows it by its class or status. */
  readonly #refused: number
  /** Answers of HTTP/1 that ended before their time, so far as no cut was told for them: one sign each. */
  readonly broken: Signs
  /** The same with every other sign of a cut, some of which stand for none. */
  readonly cuts: Signs
  /** See `placeOf`. */
  readonly place: string
  #cut = false
  /** Among the answers that are held may be one of Envoy's own. */
  #doubted = false
  #leftBefore = 0

  constructor(
    owner: string,
    entry: HttpPlan["clusters"][number],
    parts: { ledger: Ledger; space: SeriesSpace; carry: Carry },
    options: {
      /** For how many looks a sign of a cut may be ahead of the cut itself. */
      readonly signLooks: number
      /** The first of the clusters that are told alike: what one of them owes, any may pay. */
      readonly payer: string
    },
  ) {
    this.#space = parts.space
    this.#carry = parts.carry
    this.cluster = parts.space.clusterIndex(entry.statName)
    this.counter = new RequestCounter(parts.ledger, entry.row, entry.target, entry.protocol)
    const name = `${owner}.${entry.statName}`
    this.good = new GoodAnswers(parts.carry, `${name}.good`, `${owner}.${options.payer}.debt`)
    this.broken = new Signs(parts.carry, `${name}.broken`, options.signLooks)
    this.cuts = new Signs(parts.carry, `${name}.cuts`, options.signLooks)
    this.place = placeOf(entry)
    this.#refused = parts.carry.cell(`${name}.refused`)
    this.#grpc = entry.protocol === 2 ? new GrpcAnswers(parts.carry, name) : undefined
  }

  delta(field: ClusterField): number {
    return this.#space.delta[this.#space.ofCluster(this.cluster, field)] ?? 0
  }
  get touched(): boolean {
    return this.#space.touched[this.cluster] === 1
  }
  seeCuts(): void {
    if (!this.touched) return
    const broken = this.delta("upstream_cx_protocol_error")
    // A connection that ends within an answer is a broken protocol too: one sign, not two.
    const lost = Math.max(broken, this.delta("upstream_cx_destroy_remote_with_active_rq"))
    this.broken.see(broken)
    this.cuts.see(lost + this.#sum(CUTS))
  }
  /** Signs of callers that left, at this look and the one before: who left is known at the second look. */
  get left(): number {
    return this.#sum(LEFT) + this.#leftBefore
  }
  endTick(): void {
    this.#leftBefore = this.touched ? this.#sum(LEFT) : 0
  }

  /** Tells good answers whose requests have ended. @param keep as many as may go on */
  tellGood(keep: number): void {
    // Answers of gRPC were held before, for their statuses.
    const told = this.good.release(this.#grpc === undefined ? keep : 0)
    this.counter.add(told, OK, CLASS_2XX, 0, APP)
  }

  /**
   * Counts this tick's answers; good ones are only taken in.
   * @param active the cluster's requests under way
   * @param aborts callers of the whole connection manager that went away
   * @param cut whether answers were cut, perhaps by a timeout that then explains no 5xx
   */
  count(active: number, aborts: number, cut: boolean): void {
    this.#cut = cut
    if (!this.touched && !this.#grpc?.holding) return
    this.counter.addAttempts(this.delta("upstream_rq_total") + this.#sum(UNATTEMPTED))
    if (this.#grpc === undefined) {
      this.#countClasses(
        this.delta("upstream_rq_2xx"),
        this.delta("upstream_rq_3xx"),
        this.delta("upstream_rq_4xx"),
        this.delta("upstream_rq_5xx"),
        aborts,
      )
    } else this.#countGrpc(active, aborts)
    this.counter.add(this.delta("upstream_rq_101"), OK, CLASS_1XX, 0, APP)
  }

  /** No more pages will come: what a gRPC status was waited for is counted by its HTTP class. */
  flush(): void {
    const [c2, c3, c4, c5] = this.#grpc?.release(0) ?? [0, 0, 0, 0]
    this.#countClasses(c2 - this.#countRefused(c2), c3, c4, c5, 1)
    this.tellGood(0)
  }

  #countGrpc(active: number, aborts: number): void {
    const grpc = this.#grpc
    if (grpc === undefined) return
    this.#doubted = (this.#doubted && grpc.holding) || !this.#provedApp(aborts)
    for (const [index, field] of CLASSES.entries()) grpc.hold(index, this.delta(field))
    const [ok, client, error] = grpc.match([
      this.delta("~grpc_ok"),
      this.delta("~grpc_client_error"),
      this.delta("~grpc_error"),
    ])
    // On the wire a gRPC answer is a 200, Envoy's own ones included, whatever class the cluster counted.
    this.good.hold(ok)
    this.counter.add(client, CLIENT_ERROR, CLASS_2XX, 0, UNKNOWN)
    this.counter.add(error, ERROR, CLASS_2XX, 0, UNKNOWN)
    const shown = this.delta("upstream_rq_5xx") + error
    this.#carry.add(this.#refused, Math.max(0, this.delta("upstream_rq_retry_limit_exceeded") - shown))
    const [c2, c3, c4, c5] = grpc.settle(active)
    this.#countClasses(c2 - this.#countRefused(c2), c3, c4, c5, aborts)
  }

  /** A status is retried for being a failure: a 200 that was left when retries were used up is one. */
  #countRefused(answers: number): number {
    const refused = Math.min(answers, this.#carry.get(this.#refused))
    if (refused <= 0) return 0
    this.#carry.add(this.#refused, -refused)
    this.counter.add(refused, ERROR, CLASS_2XX, RETRIES_USED_UP, APP)
    return refused
  }

  #countClasses(c2: number, c3: number, c4: number, c5: number, aborts: number): void {
    this.good.hold(c2)
    this.counter.add(c3, OK, CLASS_3XX, 0, APP)
    const app = !this.#doubted && this.#provedApp(aborts) ? APP : UNKNOWN
    this.counter.add(c4, CLIENT_ERROR, CLASS_4XX, 0, app)
    this.counter.add(this.#explained(c5), ERROR, CLASS_5XX, 0, app)
  }

  /**
   * Counts the 5xx whose cause is certain, and answers how many are left. With retries a cause moves once per try, and
   * a timeout may have cut an answer that counts as a success: then nothing is certain.
   */
  #explained(failures: number): number {
    if (failures <= 0) return 0
    const causes = CAUSES.map(([flag, fields]) => [flag, this.#sum(fields)] as const)
    const told = causes.reduce((all, [, times]) => all + times, 0)
    if (told === 0 || told > failures || this.delta("upstream_rq_retry") > 0) return failures
    if (this.#cut && this.delta("upstream_rq_timeout") > 0) return failures
    for (const [flag, times] of causes) this.counter.add(times, ERROR, CLASS_5XX, flag, PROXY)
    return failures - told
  }

  /** Whether every answer that no certain cause explains came from the application: all that was sent was answered. */
  #provedApp(aborts: number): boolean {
    if (aborts > 0 || this.#sum(DOUBTFUL) > 0) return false
    const answers = CLASSES.reduce((all, field) => all + this.delta(field), this.delta("upstream_rq_101"))
    const reached = this.delta("upstream_rq_total") - this.delta("upstream_rq_active")
    return reached >= answers - this.#sum(UNATTEMPTED)
  }

  #sum(fields: readonly ClusterField[]): number {
    let all = 0
    for (const field of fields) all += this.delta(field)
    return all
  }
}

export const CLASSES = ["upstream_rq_2xx", "upstream_rq_3xx", "upstream_rq_4xx", "upstream_rq_5xx"] as const

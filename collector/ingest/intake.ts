import type { Metric } from "#mesh/catalogue.ts"
import { BUCKETS } from "../store/cells.ts"
import { metricNamed } from "../store/series-index.ts"
import { REFUSED, type SeriesStore } from "../store/series-store.ts"
import {
  type Agent,
  type AgentSeen,
  addAlias,
  aliasOf,
  identityOf,
  makeAgent,
  noteRequest,
  tidyAliases,
} from "./agents.ts"
import { type Cursor, judge, totalOf } from "./cursor.ts"
import { agentsBytes, cursorBytes, readAgents, readCursors } from "./cursor-blob.ts"
import type { OtlpPoint, PointVisitor } from "./otlp-point.ts"
import { labelsOf, shapeRefusal } from "./point-rules.ts"

export interface IntakeConfig {
  readonly maxAgents: number
  readonly maxSeriesPerAgent: number
  /** A gauge that its agent, still reporting, did not tell for so long is gone. More than two of the agent's full sends. */
  readonly gaugeStaleMs: number
  /** An agent followed for so long has told all its series: one that is new now began now. */
  readonly settleMs: number
}

/** Since start. Each point is in exactly one of the first six. */
export interface PointCounts {
  accepted: number
  repeated: number
  old: number
  resets: number
  rejected: number
  /** First of a series that began before we looked: only a place to count from. */
  baselines: number
  /** Sample times further off than allowed; the receive time counts in any case. */
  clamped: number
}

/** Answer to one request. */
export interface Taken {
  readonly rejected: number
  /** The first reason, for the sender. */
  readonly reason: string
}

const HOUR_MS = 3_600_000
const FUTURE_MS = 600_000
/** OTLP's flag for a series that has ended: no recorded value. */
const ENDED = 1

/** Cumulative points of all agents in, increments and gauges to the store. Synchronous; never throws. */
export class Intake {
  readonly counts: PointCounts = {
    accepted: 0,
    repeated: 0,
    old: 0,
    resets: 0,
    rejected: 0,
    baselines: 0,
    clamped: 0,
  }
  readonly #config: IntakeConfig
  readonly #store: SeriesStore
  readonly #agents = new Map<string, Agent>()

  constructor(config: IntakeConfig, store: SeriesStore, nowMs: number) {
    this.#config = config
    this.#store = store
    const kept = store.restored()
    for (const agent of readAgents(kept.get("agents"), nowMs - HOUR_MS)) {
      const bytes = kept.get(`cursors/${agent.id}`)
      if (bytes !== undefined) readCursors(agent, bytes, store)
      this.#agents.set(agent.id, agent)
    }
  }

  /** All agents that reported within the last hour. */
  agents(): readonly AgentSeen[] {
    return [...this.#agents.values()].map(
      ({ id, host, firstSeenMs, lastSeenMs, previousMs, skewMs, cursors }) => ({
        id,
        host,
        firstSeenMs,
        lastSeenMs,
        previousMs,
        skewMs,
        series: cursors.size,
      }),
    )
  }

  /** A visitor for one request that came at `nowMs`; ask `taken` when the reader is through. */
  request(nowMs: number): PointVisitor & { taken(): Taken } {
    let agent: Agent | undefined
    let metric: Metric | undefined
    let name = ""
    let rejected = 0
    let reason = ""
    const reject = (count: number, why: string): void => {
      rejected += count
      this.counts.rejected += count
      if (reason === "") reason = why
    }
    return {
      resource: (attributes) => {
        agent = this.#agent(attributes, nowMs)
        name = ""
        return true
      },
      point: (point) => {
        if (agent === undefined) {
          reject(1, "too many agents")
          return
        }
        if (point.metric !== name || metric === undefined) {
          name = point.metric
          metric = metricNamed(name)
        }
        const why = this.#point(agent, metric, point, nowMs)
        if (why !== undefined) reject(1, why)
      },
      unread: reject,
      taken: () => ({ rejected, reason }),
    }
  }

  #agent(attributes: readonly string[], nowMs: number): Agent | undefined {
    const { id, host } = identityOf(attributes)
    let agent = this.#agents.get(id)
    if (agent === undefined) {
      if (this.#agents.size >= this.#config.maxAgents) return undefined
      agent = makeAgent(id, host, nowMs)
      this.#agents.set(id, agent)
    }
    noteRequest(agent, nowMs, this.#store.stepMs)
    if (host !== "") agent.host = host
    return agent
  }

  /** Answers why the point was rejected. */
  #point(agent: Agent, metric: Metric | undefined, point: OtlpPoint, nowMs: number): string | undefined {
    if (metric === undefined) return `${point.metric.slice(0, 100)} is not in the catalogue`
    const wrong = shapeRefusal(metric, point)
    if (wrong !== undefined) return wrong
    this.#clock(agent, point, nowMs)
    const cursor = this.#cursor(agent, metric, point, nowMs)
    if (typeof cursor === "string") return cursor
    if (metric.type === "gauge") this.#gauge(agent, cursor, point, nowMs)
    else if ((point.flags & ENDED) !== 0) this.counts.repeated++
    else this.#count(agent, cursor, point, nowMs)
    cursor.touchedMs = nowMs
    return undefined
  }

  #clock(agent: Agent, point: OtlpPoint, nowMs: number): void {
    if (point.timeMs === 0) return
    const skew = point.timeMs - nowMs
    if (skew > agent.skewMs || agent.skewAtMs !== nowMs) {
      agent.skewMs = skew
      agent.skewAtMs = nowMs
    }
    if (skew > FUTURE_MS || skew < -HOUR_MS) this.counts.clamped++
  }

  /** The cursor of a point, or why there is none. */
  #cursor(agent: Agent, metric: Metric, point: OtlpPoint, nowMs: number): Cursor | string {
    const { key } = point
    if (key === undefined) return this.#find(agent, metric, point, nowMs)
    let aliases = agent.aliases.get(metric.name)
    if (aliases === undefined) {
      aliases = { byKey: new Map(), last: undefined }
      agent.aliases.set(metric.name, aliases)
    }
    const alias = aliasOf(aliases, key)
    if (alias !== undefined && !alias.cursor.gone) return alias.cursor
    const found = this.#find(agent, metric, point, nowMs)
    if (typeof found === "string") return found
    if (alias === undefined) addAlias(aliases, key, found)
    else alias.cursor = found
    return found
  }

  /** The slow way: decodes the labels. A cursor that is new has no value yet (`timeMs` -1). */
  #find(agent: Agent, metric: Metric, point: OtlpPoint, nowMs: number): Cursor | string {
    const labels = labelsOf(point)
    if (typeof labels === "string") return labels
    const ref = this.#store.series(metric, labels)
    if (ref === REFUSED) return "the collector's series limit is reached"
    const known = agent.cursors.get(ref)
    if (known !== undefined) return known
    if (agent.cursors.size >= this.#config.maxSeriesPerAgent) return "the agent's series limit is reached"
    const cursor: Cursor = {
      ref,
      metric,
      startMs: 0,
      timeMs: -1,
      value: 0,
      counts: metric.type === "histogram" ? new Float64Array(BUCKETS) : undefined,
      touchedMs: nowMs,
      gone: false,
    }
    agent.cursors.set(ref, cursor)
    return cursor
  }

  #gauge(agent: Agent, cursor: Cursor, point: OtlpPoint, nowMs: number): void {
    if ((point.flags & ENDED) !== 0 || Number.isNaN(point.value)) this.#retire(agent, cursor)
    else this.#store.set(cursor.ref, agent.id, point.value, nowMs)
    this.counts.accepted++
  }

  #retire(agent: Agent, cursor: Cursor): void {
    this.#store.retire(cursor.ref, agent.id)
    agent.cursors.delete(cursor.ref)
    cursor.gone = true
  }

  #count(agent: Agent, cursor: Cursor, point: OtlpPoint, nowMs: number): void {
    const first = cursor.timeMs === -1
    const step = first ? "reset" : this.#judge(cursor, point)
    if (step === "old") this.counts.old++
    else if (step === "repeated") {
      this.counts.repeated++
      cursor.timeMs = Math.max(cursor.timeMs, point.timeMs)
      this.#store.add(cursor.ref, 0, nowMs)
    } else if (first) this.#first(agent, cursor, point, nowMs)
    else {
      this.counts[step === "reset" ? "resets" : "accepted"]++
      this.#write(cursor, point, nowMs, this.#since(agent, nowMs), step === "reset")
    }
  }

  #judge(cursor: Cursor, point: OtlpPoint): ReturnType<typeof judge> {
    const { counts } = cursor
    if (counts === undefined)
      return judge(cursor, point, point.value, point.value < cursor.value, cursor.value)
    let fell = false
    for (let bucket = 0; bucket < BUCKETS; bucket++)
      if ((point.counts[bucket] ?? 0) < (counts[bucket] ?? 0)) fell = true
    return judge(cursor, point, point.count, fell, totalOf(counts))
  }

  /** Increments lie between the agent's last sending and now; within about a step they are simply counted now. */
  #since(agent: Agent, nowMs: number): number {
    const gap = nowMs - agent.previousMs
    return agent.previousMs === 0 || gap <= this.#store.stepMs * 1.5 ? nowMs : agent.previousMs
  }

  /**
   * The first point of a series. Its whole value counts when it began while we followed its agent, or within the hour
   * that the memory holds, or when the agent must have told all older series by now. Else it is a place to count from.
   */
  #first(agent: Agent, cursor: Cursor, point: OtlpPoint, nowMs: number): void {
    const startMs = point.startMs === 0 ? 0 : point.startMs - agent.skewMs
    const began = Math.min(nowMs, Math.max(startMs, agent.previousMs))
    if (point.startMs !== 0 && startMs > nowMs - HOUR_MS) {
      this.counts.accepted++
      this.#write(cursor, point, nowMs, began, true)
    } else if (agent.previousMs !== 0 && nowMs - agent.firstSeenMs > this.#config.settleMs) {
      this.counts.accepted++
      this.#write(cursor, point, nowMs, this.#since(agent, nowMs), true)
    } else {
      this.counts.baselines++
      this.#store.add(cursor.ref, 0, nowMs)
      remember(cursor, point)
    }
  }

  /** @param anew the cursor's old value does not count: the series began again */
  #write(cursor: Cursor, point: OtlpPoint, nowMs: number, sinceMs: number, anew: boolean): void {
    const { counts } = cursor
    if (counts === undefined)
      this.#store.add(cursor.ref, point.value - (anew ? 0 : cursor.value), nowMs, sinceMs)
    else {
      for (let bucket = 0; bucket < BUCKETS; bucket++)
        increments[bucket] = (point.counts[bucket] ?? 0) - (anew ? 0 : (counts[bucket] ?? 0))
      const sum = Math.max(0, point.sum - (anew ? 0 : cursor.value))
      this.#store.observe(cursor.ref, increments, sum, nowMs, sinceMs)
    }
    remember(cursor, point)
  }

  /** Before each `advance` of the store: what must be kept together with the increments. */
  stage(): void {
    let moved = false
    for (const agent of this.#agents.values()) {
      if (!agent.dirty) continue
      agent.dirty = false
      moved = true
      this.#store.stage(`cursors/${agent.id}`, cursorBytes(agent))
    }
    if (moved) this.#store.stage("agents", agentsBytes(this.#agents.values()))
  }

  /** Once a minute: forgets what was not told for an hour, and gauges that a reporting agent dropped. */
  sweep(nowMs: number): void {
    for (const agent of this.#agents.values()) {
      if (agent.lastSeenMs < nowMs - HOUR_MS) {
        this.#agents.delete(agent.id)
        this.#store.stage(`cursors/${agent.id}`, new Uint8Array())
        this.#store.stage("agents", agentsBytes(this.#agents.values()))
      } else this.#sweepAgent(agent, nowMs)
    }
  }

  #sweepAgent(agent: Agent, nowMs: number): void {
    for (const [ref, cursor] of agent.cursors) {
      const gauge = cursor.metric.type === "gauge"
      if (gauge && agent.lastSeenMs - cursor.touchedMs > this.#config.gaugeStaleMs)
        this.#retire(agent, cursor)
      else if (nowMs - cursor.touchedMs > HOUR_MS) {
        agent.cursors.delete(ref)
        cursor.gone = true
      }
    }
    tidyAliases(agent)
  }
}

/** Scratch of one histogram's increments; used up within one call. */
const increments = new Float64Array(BUCKETS)

function remember(cursor: Cursor, point: OtlpPoint): void {
  cursor.startMs = point.startMs
  cursor.timeMs = Math.max(0, point.timeMs)
  if (cursor.counts === undefined) cursor.value = point.value
  else {
    cursor.value = point.sum
    for (let bucket = 0; bucket < BUCKETS; bucket++) cursor.counts[bucket] = point.counts[bucket] ?? 0
  }
}

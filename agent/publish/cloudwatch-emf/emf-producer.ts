import type { MetricKey } from "#mesh/catalogue.ts"
import type { Clock } from "#mesh/clock.ts"
import { fits, type MetricSet } from "#mesh/cloudwatch/metric-set.ts"
import { BUCKET_COUNT } from "#mesh/histogram.ts"
import type { Series, Snapshot } from "#mesh/snapshot.ts"
import type { Outbox } from "../contract.ts"
import { type Cap, type CapCounts, makeCap } from "./cap.ts"
import { logGroup } from "./dimension-value.ts"
import { emfDocument, type Point } from "./document.ts"
import { addAmount, addCounts, empty, type Group, pour, valuesOf } from "./groups.ts"
import { EMF_PARTICIPANTS } from "./participants.ts"
import { makeReachedServices } from "./reached-services.ts"
import { representatives } from "./representatives.ts"
import { brokenRule, type EmfRule } from "./rules.ts"
import { type Delta, makeSentValues, type SentValues } from "./sent-values.ts"

export interface EmfConfig {
  readonly namespace: string
  readonly sets: readonly MetricSet[]
  /** Name of the log group, with `{mesh}` for the mesh. */
  readonly logGroup: string
  /** Whether numbers that did not move are told as 0. */
  readonly zeros: boolean
  /** See `CapOptions`. */
  readonly maxMetrics: number
  readonly capPeriod: "hour" | "month"
}

/** Has the shape of the ledger's `Participant`: bytes that are committed together with the counters. */
export interface EmfParticipant {
  readonly key: string
  save(): Uint8Array | undefined
}

export interface EmfDeps {
  readonly snapshot: Snapshot
  readonly clock: Pick<Clock, "now">
  /** Must be committed in the same transaction as the producer's participants. */
  readonly outbox: Outbox
  /** What was committed under a participant's key before a restart. */
  readonly restored: (key: string) => Uint8Array | undefined
}

/** Plain numbers since the start. */
export interface EmfCounters extends CapCounts {
  readonly documents: number
  /** Metric values in them. */
  readonly points: number
  readonly bytes: number
  /** Documents that broke a rule and were not sent. */
  readonly refused: ReadonlyMap<EmfRule, number>
}

/**
 * Tells CloudWatch what came since the last commit that was told, as documents of the embedded metric format.
 * Make it before anything counts, join its participants to the ledger, and call `tick` between two commits.
 */
export interface EmfProducer {
  readonly participants: readonly EmfParticipant[]
  /** Puts into the outbox what is new. Synchronous: all of it, and what it was made of, is in the next commit. */
  tick(): void
  readonly counters: EmfCounters
}

export function makeEmfProducer(config: EmfConfig, deps: EmfDeps): EmfProducer {
  return new Producer(config, deps)
}

/** A place where a series counts. */
interface Target {
  readonly group: Group
  readonly metric: number
}

class Producer implements EmfProducer {
  readonly participants: readonly EmfParticipant[]
  readonly #config: EmfConfig
  readonly #deps: EmfDeps
  readonly #cap: Cap
  readonly #sent: SentValues
  readonly #keys: ReadonlySet<MetricKey>
  readonly #services = makeReachedServices()
  #targets = new WeakMap<Series, readonly Target[]>()
  readonly #delta: Delta = { amount: 0, counts: new Float64Array(BUCKET_COUNT) }
  readonly #refused = new Map<EmfRule, number>()
  #documents = 0
  #points = 0
  #bytes = 0
  #seen = 0

  constructor(config: EmfConfig, deps: EmfDeps) {
    this.#config = config
    this.#deps = deps
    this.#keys = new Set(
      config.sets.flatMap(({ metrics }) => metrics.flatMap(({ parts }) => parts.map(({ key }) => key))),
    )
    const [sentKey, capKey] = EMF_PARTICIPANTS
    const cap = makeCap(
      { sets: config.sets, maxMetrics: config.maxMetrics, period: config.capPeriod },
      deps.restored(capKey),
    )
    const sent = makeSentValues(this.#keys, deps.snapshot, deps.restored(sentKey))
    this.#cap = cap
    this.#sent = sent
    this.participants = [
      { key: sentKey, save: () => sent.save(deps.snapshot) },
      { key: capKey, save: () => cap.save() },
    ]
  }

  get counters(): EmfCounters {
    return {
      ...this.#cap.counts,
      documents: this.#documents,
      points: this.#points,
      bytes: this.#bytes,
      refused: this.#refused,
    }
  }

  tick(): void {
    const { snapshot, clock } = this.#deps
    if (snapshot.generation === 0) return
    if (this.#services.update(snapshot)) this.#targets = new WeakMap()
    const active = this.#collect()
    const nowMs = clock.now()
    this.#cap.settle(active, nowMs)
    if (this.#config.zeros) for (const group of this.#cap.members) active.add(group)
    const told = new Set<Group>()
    for (const group of active) {
      const into = group.member ? group : this.#cap.overflowOf(group)
      if (into !== group) pour(group, into)
      told.add(into)
    }
    for (const group of told) this.#tell(group, nowMs)
  }

  /** Adds up by group what came since the last time. */
  #collect(): Set<Group> {
    const { snapshot } = this.#deps
    const active = new Set<Group>()
    for (const { key, metric, series } of snapshot.families) {
      if (!this.#keys.has(key)) continue
      for (const one of series) {
        if (metric.type === "gauge") this.#addGauge(one, key, active)
        else if ((snapshot.changed[one.slot] ?? 0) > this.#seen) this.#addDelta(one, key, active)
      }
    }
    this.#seen = snapshot.generation
    return active
  }

  #addDelta(series: Series, key: MetricKey, active: Set<Group>): void {
    if (!this.#sent.take(series, this.#deps.snapshot, this.#delta)) return
    const { amount, counts } = this.#delta
    for (const { group, metric } of this.#targetsOf(series, key)) {
      if (series.bucketAt < 0) addAmount(group, metric, amount)
      else addCounts(group, metric, counts, amount)
      active.add(group)
    }
  }

  #addGauge(series: Series, key: MetricKey, active: Set<Group>): void {
    const value = this.#deps.snapshot.values[series.slot] ?? 0
    if (!Number.isFinite(value)) return
    for (const { group, metric } of this.#targetsOf(series, key)) {
      addAmount(group, metric, value)
      active.add(group)
    }
  }

  #targetsOf(series: Series, key: MetricKey): readonly Target[] {
    const known = this.#targets.get(series)
    if (known?.every(({ group }) => !group.gone) === true) return known
    const labels = this.#labelsOf(series, key)
    const found = this.#config.sets.flatMap((set) =>
      set.metrics.flatMap(({ parts }, metric) =>
        parts
          .filter((part) => part.key === key && fits(labels, set.where) && fits(labels, part.where ?? {}))
          .map(() => ({
            group: this.#cap.group(set, labels.get("mesh") ?? "", () => valuesOf(set, labels)),
            metric,
          })),
      ),
    )
    this.#targets.set(series, found)
    return found
  }

  /** With the service that an upstream's duration belongs to, which the series itself does not say. */
  #labelsOf(series: Series, key: MetricKey): ReadonlyMap<string, string> {
    const labels = new Map(series.labels)
    const service = key === "upstreamDuration" ? this.#services.of(labels) : undefined
    return service === undefined ? labels : labels.set("virtual_service", service)
  }

  #tell(group: Group, nowMs: number): void {
    const { namespace, logGroup: template } = this.#config
    const { timeMs } = this.#deps.snapshot
    const points = this.#pointsOf(group)
    empty(group)
    if (points.length === 0) return
    const document = emfDocument(namespace, group.set, group.values, points, timeMs)
    const payload = Buffer.from(JSON.stringify(document))
    const rule = brokenRule(document, payload.length, nowMs)
    if (rule !== undefined) {
      this.#refused.set(rule, (this.#refused.get(rule) ?? 0) + 1)
      return
    }
    for (const { metric } of points) this.#cap.told(group, group.set.metrics.indexOf(metric))
    this.#documents++
    this.#points += points.length
    this.#bytes += payload.length
    const key = logGroup(template, this.#cap.meshName(group.mesh))
    this.#deps.outbox.append(key, timeMs, payload, points.length)
  }

  #pointsOf({ set, sums }: Group): Point[] {
    const { zeros } = this.#config
    return set.metrics.flatMap((metric, at): Point[] => {
      const sum = sums[at]
      if (sum instanceof Float64Array) {
        const value = representatives(sum, 0, sum[BUCKET_COUNT] ?? 0, metric.scale)
        return value.count > 0 ? [{ metric, value }] : []
      }
      if (metric.kind === "histogram") return []
      if (sum !== undefined && (sum > 0 || metric.kind === "gauge")) return [{ metric, value: sum }]
      return zeros && metric.kind === "counter" ? [{ metric, value: 0 }] : []
    })
  }
}

import type { MetricSet } from "#mesh/cloudwatch/metric-set.ts"
import { decodeCap, encodeCap, metricId } from "./cap-state.ts"
import { type Group, groupKey, hasNames, makeGroup, overflowValues, sizeOf } from "./groups.ts"

export interface CapOptions {
  readonly sets: readonly MetricSet[]
  /** Most metrics (name and values of dimensions) that are told in one period. */
  readonly maxMetrics: number
  /** Who has a place changes only when a new one begins. UTC. */
  readonly period: "hour" | "month"
}

/**
 * Keeps the number of billed metrics within a budget: the biggest groups have a place, the rest is summed in an overflow
 * set per metric set and mesh, for which a place is kept free. Groups get free places at any time, the biggest first; a
 * place is taken away only when a period begins, and only by one that is a quarter bigger: so no period tells more metrics
 * than the cap, and membership does not flap. Only a mesh that appears when all places are taken adds its overflow sets.
 */
export interface Cap {
  /** The group of these values; the overflow where too many are known. */
  group(set: MetricSet, mesh: string, values: () => readonly string[]): Group
  /** Decides who has a place, from what came for `active`. */
  settle(active: ReadonlySet<Group>, nowMs: number): void
  overflowOf(group: Group): Group
  /** A metric of a group is told now. */
  told(group: Group, metric: number): void
  /** The mesh as its log group is named: only the first few have their own. */
  meshName(mesh: string): string
  readonly members: Iterable<Group>
  readonly counts: CapCounts
  save(): Uint8Array | undefined
}

export interface CapCounts {
  /** Groups without a place, by set. */
  readonly folded: ReadonlyMap<string, number>
  /** Metrics that have a place now, overflow included. */
  readonly places: number
  /** Distinct metrics told in this month. */
  readonly month: number
  readonly limit: number
}

/** A newcomer has to be this much bigger to take a place. */
const HYSTERESIS = 1.25
const HALF_LIFE_MS = 3_600_000
/** Less than one request in ten half-lives. */
const FORGOTTEN = 1e-3
/** Groups beyond are not ranked; they go into the overflow. */
const MAX_GROUPS = 50_000
const MAX_MESHES = 8
const OTHER_MESH = "other"
const MAX_MONTH = 500_000

export function makeCap(options: CapOptions, restored: Uint8Array | undefined): Cap {
  return new MemberCap(options, restored)
}

class MemberCap implements Cap {
  readonly #options: CapOptions
  readonly #groups = new Map<string, Group>()
  readonly #overflows = new Map<string, Group>()
  /** Groups with a place that were not seen since a restart, with their weight. */
  readonly #absent: Map<string, { readonly set: string; readonly weight: number }>
  readonly #meshes: Set<string>
  readonly #month: Set<number>
  #monthAt: number
  #period: number
  #weighedMs: number
  #dirty = false

  constructor(options: CapOptions, restored: Uint8Array | undefined) {
    const kept = restored === undefined ? undefined : decodeCap(restored)
    this.#options = options
    this.#absent = new Map(kept?.members.map(({ key, set, weight }) => [key, { set, weight }]))
    this.#meshes = new Set(kept?.meshes)
    this.#month = new Set(kept?.told)
    this.#monthAt = kept?.month ?? -1
    // Another period of counting: whoever has a place keeps it until the next one begins.
    this.#period = kept?.kind === options.period ? kept.period : -1
    this.#weighedMs = kept?.weighedMs ?? 0
  }

  get members(): Iterable<Group> {
    return [...this.#groups.values()].filter((group) => group.member)
  }

  get counts(): CapCounts {
    const folded = new Map(this.#options.sets.map((set) => [set.name, 0]))
    for (const { member, set } of this.#groups.values())
      if (!member) folded.set(set.name, (folded.get(set.name) ?? 0) + 1)
    return {
      folded,
      places: this.#used() + this.#reserve(),
      month: this.#month.size,
      limit: this.#options.maxMetrics,
    }
  }

  group(set: MetricSet, mesh: string, values: () => readonly string[]): Group {
    this.#meet(mesh)
    const named = values()
    const key = groupKey(set, named)
    const known = this.#groups.get(key)
    if (known !== undefined) return known
    if (!hasNames(set) || this.#groups.size >= MAX_GROUPS) return this.#overflow(set, mesh, named)
    const made = makeGroup(set, mesh, named, false)
    const absent = this.#absent.get(key)
    if (absent !== undefined) {
      this.#absent.delete(key)
      made.member = true
      made.weight = absent.weight
    }
    this.#groups.set(key, made)
    return made
  }

  overflowOf(group: Group): Group {
    return group.overflow ? group : this.#overflow(group.set, group.mesh, group.values)
  }

  settle(active: ReadonlySet<Group>, nowMs: number): void {
    this.#weigh(active, nowMs)
    const month = monthOf(nowMs)
    if (month !== this.#monthAt) this.#beginMonth(month)
    const period = this.#options.period === "month" ? month : Math.floor(nowMs / 3_600_000)
    if (period !== this.#period) this.#beginPeriod(period)
    this.#fill()
  }

  told(group: Group, metric: number): void {
    const bit = 2 ** metric
    if ((group.toldMonth & bit) !== 0 || this.#month.size >= MAX_MONTH) return
    group.toldMonth |= bit
    const before = this.#month.size
    this.#month.add(metricId(group.key, metric))
    if (this.#month.size > before) this.#dirty = true
  }

  meshName(mesh: string): string {
    return this.#meshes.has(mesh) ? mesh : OTHER_MESH
  }

  save(): Uint8Array | undefined {
    if (!this.#dirty) return undefined
    this.#dirty = false
    const present = [...this.members].map(({ key, set, weight }) => ({ key, set: set.name, weight }))
    const absent = [...this.#absent].map(([key, { set, weight }]) => ({ key, set, weight }))
    return encodeCap({
      kind: this.#options.period,
      period: this.#period,
      weighedMs: this.#weighedMs,
      members: [...present, ...absent],
      meshes: [...this.#meshes],
      month: this.#monthAt,
      told: [...this.#month],
    })
  }

  #meet(mesh: string): void {
    if (this.#meshes.has(mesh) || this.#meshes.size >= MAX_MESHES) return
    this.#meshes.add(mesh)
    this.#dirty = true
  }

  #overflow(set: MetricSet, mesh: string, values: readonly string[]): Group {
    const own = this.meshName(mesh)
    const named = overflowValues(set, values, own)
    const key = groupKey(set, named)
    let group = this.#overflows.get(key)
    if (group === undefined) this.#overflows.set(key, (group = makeGroup(set, own, named, true)))
    return group
  }

  #weigh(active: ReadonlySet<Group>, nowMs: number): void {
    const decay = 0.5 ** (Math.max(0, nowMs - this.#weighedMs) / HALF_LIFE_MS)
    this.#weighedMs = nowMs
    for (const group of this.#groups.values()) group.weight *= decay
    for (const [key, { set, weight }] of this.#absent) this.#absent.set(key, { set, weight: weight * decay })
    for (const group of active) group.weight += sizeOf(group)
  }

  #beginMonth(month: number): void {
    this.#monthAt = month
    this.#month.clear()
    for (const group of this.#groups.values()) group.toldMonth = 0
    for (const group of this.#overflows.values()) group.toldMonth = 0
    this.#dirty = true
  }

  /** All places are given anew, and who was not heard of for long is forgotten. */
  #beginPeriod(period: number): void {
    this.#period = period
    this.#dirty = true
    for (const [key, { weight }] of this.#absent) if (weight < FORGOTTEN) this.#absent.delete(key)
    for (const [key, group] of this.#groups) {
      if (group.weight >= FORGOTTEN) continue
      group.gone = true
      this.#groups.delete(key)
    }
    const ranked = [
      ...[...this.#absent].map(([key, { weight }]) => ({ key, score: weight * HYSTERESIS })),
      ...[...this.#groups.values()].map(({ key, weight, member }) => ({
        key,
        score: member ? weight * HYSTERESIS : weight,
      })),
    ].toSorted((one, other) => other.score - one.score)
    let free = this.#budget()
    for (const { key } of ranked) {
      const group = this.#groups.get(key)
      const cost = group === undefined ? this.#costOf(this.#absent.get(key)?.set) : costOf(group)
      const stays = cost <= free
      if (stays) free -= cost
      if (group !== undefined) group.member = stays
      else if (!stays) this.#absent.delete(key)
    }
  }

  /** Gives free places, to the biggest first. */
  #fill(): void {
    let free = this.#budget() - this.#used()
    const waiting = [...this.#groups.values()].filter((group) => !group.member && costOf(group) <= free)
    for (const group of waiting.toSorted((one, other) => other.weight - one.weight)) {
      if (costOf(group) > free) continue
      free -= costOf(group)
      group.member = true
      this.#dirty = true
    }
  }

  #used(): number {
    let used = 0
    for (const group of this.#groups.values()) if (group.member) used += costOf(group)
    for (const { set } of this.#absent.values()) used += this.#costOf(set)
    return used
  }

  #budget(): number {
    return this.#options.maxMetrics - this.#reserve()
  }

  /** Places of the overflow sets. */
  #reserve(): number {
    const { sets } = this.#options
    return sets.reduce((all, set) => all + set.metrics.length, 0) * Math.max(1, this.#meshes.size)
  }

  /** A set that is not configured any more holds no place. */
  #costOf(name: string | undefined): number {
    return this.#options.sets.find((set) => set.name === name)?.metrics.length ?? 0
  }
}

const costOf = (group: Group): number => group.set.metrics.length

function monthOf(nowMs: number): number {
  const date = new Date(nowMs)
  return date.getUTCFullYear() * 12 + date.getUTCMonth()
}

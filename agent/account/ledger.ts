import { METRICS, type MetricKey } from "#mesh/catalogue.ts"
import type { Clock } from "#mesh/clock.ts"
import { BUCKET_COUNT, bucketOf } from "#mesh/histogram.ts"
import type { Snapshot } from "#mesh/snapshot.ts"
import { type Cells, COUNTER, GAUGE, HISTOGRAM, markDirty, NOWHERE, nextDirty, show } from "./cells.ts"
import type { Labels, Ledger, LedgerCounters, Participant, Slot } from "./contract.ts"
import { makeExemplars } from "./exemplars.ts"
import { type IdleMarks, makeIdleMarks } from "./idle-marks.ts"
import { makeParticipants, type Participants } from "./participants.ts"
import {
  admit,
  dismiss,
  ownLabels,
  type SeriesIndex,
  seriesText,
  settleFamilies,
  storedBirths,
  storedDeaths,
} from "./series-index.ts"
import { type ChunkPlan, makeChunkPlan } from "./state-chunks.ts"
import { encodeChanges, makeScratch } from "./state-codec.ts"
import type { StateCommit, StateFile } from "./state-file.ts"
import { lockFolder, type StateLock } from "./state-lock.ts"
import { type Restored, type RestoreOptions, restoreState } from "./state-restore.ts"
import { careForWal, NO_WAL, type WalCare } from "./state-wal.ts"

/**
 * `folder` holds the state file and is made when missing; where it is empty, all is in memory and nothing remains.
 * `common` are labels on every series, e.g. `cluster`; they are not stored, so a change renames the series and lets them
 * count on. `bootId` tells a power cut from a restart, see `boot-id.ts`. `note` is told what the user should know.
 */
export interface LedgerOptions extends RestoreOptions {
  /** Series beyond are counted in their metric's overflow series: who came first stays. Default 200,000. */
  readonly maxSeries?: number
}

/** Length of a blob of changes that holds none: its checksum. */
const EMPTY_CHANGES = 4

/**
 * Opens the ledger of a folder and takes up what was last committed there. Throws STATE_LOCKED, STATE_FUTURE and
 * STATE_UNWRITABLE; a damaged file is set aside, noted, and all counters start anew.
 */
export function openLedger(options: LedgerOptions): Ledger {
  const lock = options.folder === "" ? NO_LOCK : lockFolder(options.folder)
  try {
    return new SqliteLedger(options, lock, restoreState(options))
  } catch (error) {
    lock.release()
    throw error
  }
}

const NO_LOCK: StateLock = { release: () => undefined }

class SqliteLedger implements Ledger {
  readonly #clock: Clock
  readonly #boot: string
  readonly #maxSeries: number
  readonly #lock: StateLock
  readonly #file: StateFile
  readonly #wal: WalCare
  readonly #cells: Cells
  readonly #index: SeriesIndex
  readonly #chunks: ChunkPlan
  readonly #idle: IdleMarks
  readonly #scratch = makeScratch()
  readonly #participants: Participants
  readonly #exemplars = makeExemplars()
  #unknown: readonly number[]
  #generation: number
  #timeMs: number
  #frozen: string | undefined
  #closed = false
  readonly #counts = {
    commits: 0,
    commitFailures: 0,
    lastCommitMs: 0,
    commitMs: 0,
    lastCommitBytes: 0,
    series: 0,
    retired: 0,
    overflowed: 0,
    badAmounts: 0,
    checkpoints: 0,
    checkpointFailures: 0,
    syncFailures: 0,
  }
  readonly snapshot: Snapshot

  constructor(options: LedgerOptions, lock: StateLock, restored: Restored) {
    this.#clock = options.clock
    this.#boot = options.bootId ?? ""
    this.#maxSeries = options.maxSeries ?? 200_000
    this.#lock = lock
    this.#file = restored.file
    this.#cells = restored.cells
    this.#index = restored.index
    this.#participants = makeParticipants(restored.participants)
    this.#unknown = restored.unknown
    this.#generation = restored.generation
    this.#timeMs = restored.generation === 0 ? 0 : this.#clock.now()
    this.#chunks = makeChunkPlan(restored.cells, restored.bases)
    this.#idle = makeIdleMarks(this.#clock)
    this.#idle.mark(this.#generation)
    this.#wal = options.folder === "" ? NO_WAL : careForWal(this.#file.path, this.#counts)
    this.snapshot = this.#view()
  }

  get frozen(): string | undefined {
    return this.#frozen
  }

  get counters(): LedgerCounters {
    this.#counts.series = this.#index.count
    return this.#counts
  }

  slot(metric: MetricKey, labels: Labels): Slot {
    const own = ownLabels(METRICS[metric], labels)
    const text = seriesText(metric, own)
    const known = this.#index.byText.get(text)
    if (known !== undefined) return known
    if (this.#index.count < this.#maxSeries) return this.#make(metric, own, text, false)
    this.#counts.overflowed++
    return this.#overflow(metric)
  }

  add(slot: Slot, amount: number): void {
    const cells = this.#cells
    if (!(amount >= 0 && amount < Infinity) && !this.#mayFall(slot, amount)) return
    cells.live[slot] = (cells.live[slot] ?? 0) + amount
    markDirty(cells, slot)
  }

  set(slot: Slot, value: number): void {
    const cells = this.#cells
    const old = cells.live[slot] ?? 0
    if (value === old || (!(value > old && value < Infinity) && !this.#mayFall(slot, value))) return
    cells.live[slot] = value
    markDirty(cells, slot)
  }

  observe(slot: Slot, seconds: number, count = 1): void {
    const cells = this.#cells
    if (!(seconds >= 0 && seconds < Infinity && count >= 0 && count < Infinity)) {
      this.#counts.badAmounts++
      return
    }
    const at = (cells.bucketAt[slot] ?? 0) + bucketOf(seconds)
    cells.liveBuckets[at] = (cells.liveBuckets[at] ?? 0) + count
    cells.live[slot] = (cells.live[slot] ?? 0) + seconds * count
    markDirty(cells, slot)
  }

  absorb(slot: Slot, counts: Uint16Array | Uint32Array | Float64Array, offset: number, sum: number): void {
    const { liveBuckets, live, bucketAt } = this.#cells
    const block = bucketAt[slot] ?? 0
    if (!(sum >= 0 && sum < Infinity)) {
      this.#counts.badAmounts++
      return
    }
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      liveBuckets[block + bucket] = (liveBuckets[block + bucket] ?? 0) + (counts[offset + bucket] ?? 0)
    }
    live[slot] = (live[slot] ?? 0) + sum
    markDirty(this.#cells, slot)
  }

  exemplify(slot: Slot, traceId: string, seconds: number): void {
    if (this.#cells.kind[slot] !== HISTOGRAM) return
    this.#exemplars.put(slot, { traceId, seconds, timeMs: this.#clock.now() })
    markDirty(this.#cells, slot)
  }

  retire(slot: Slot): void {
    this.#exemplars.drop(slot)
    const kind = this.#cells.kind[slot]
    if (kind === COUNTER || kind === HISTOGRAM) this.#counts.retired++
    dismiss(this.#index, this.#cells, slot)
  }

  expire(idleMs: number, alive: (metric: MetricKey, labels: ReadonlyMap<string, string>) => boolean): number {
    const before = this.#idle.before(idleMs)
    const idle = this.#index.entries.filter(
      (entry) =>
        entry !== undefined &&
        !entry.overflow &&
        entry.series.born !== 0 &&
        this.#cells.kind[entry.series.slot] !== GAUGE &&
        (this.#cells.changed[entry.series.slot] ?? 0) <= before &&
        !alive(entry.key, new Map(entry.series.labels)),
    )
    for (const entry of idle) if (entry !== undefined) this.retire(entry.series.slot)
    return idle.length
  }

  join(participant: Participant): void {
    this.#participants.join(participant)
  }

  leave(key: string): void {
    this.#participants.leave(key)
  }

  restored(key: string): Uint8Array | undefined {
    return this.#participants.restored(key)
  }

  commit(): void {
    if (this.#closed) return
    const started = this.#clock.monotonic()
    try {
      this.#participants.gather()
      this.#expose(this.#store())
      this.#frozen = undefined
    } catch (error) {
      this.#freeze(error)
    }
    this.#counts.lastCommitMs = this.#clock.monotonic() - started
    this.#counts.commitMs += this.#counts.lastCommitMs
  }

  close(): void {
    if (this.#closed) return
    this.commit()
    this.#closed = true
    this.#wal.close()
    try {
      this.#file.close()
    } catch {
      // Without the last checkpoint the log stays beside the file, and the next start reads it.
    }
    this.#lock.release()
  }

  /** Whether an amount that is no plain increase may pass: gauges move both ways, retired slots take what comes. */
  #mayFall(slot: Slot, amount: number): boolean {
    const kind = this.#cells.kind[slot]
    if (kind === NOWHERE) return false
    if (kind === GAUGE && Number.isFinite(amount)) return true
    this.#counts.badAmounts++
    return false
  }

  #make(key: MetricKey, own: readonly string[], text: string, overflow: boolean): Slot {
    const slot = this.#index.holes.pop() ?? this.#cells.size
    const since = { startMs: this.#clock.now(), born: 0 }
    admit(this.#index, this.#cells, slot, { key, own, text, overflow }, since)
    return slot
  }

  /** Gauges have no overflow: one gauge cannot stand for many. Theirs is slot 0, which nobody reads. */
  #overflow(key: MetricKey): Slot {
    if (METRICS[key].type === "gauge") return 0
    const own = ["overflow", "true"]
    const text = seriesText(key, own)
    return this.#index.byText.get(text) ?? this.#make(key, own, text, true)
  }

  /** Writes what moved. Answers whether there was anything to write. */
  #store(): boolean {
    const generation = this.#generation + 1
    const { saves } = this.#participants
    const changes = encodeChanges(this.#cells, this.#scratch)
    const born = storedBirths(this.#index, generation)
    const gone = [...this.#unknown, ...storedDeaths(this.#index)]
    const idle = changes.length <= EMPTY_CHANGES && born.length + gone.length + saves.size === 0
    if (idle) return false
    const base = this.#chunks.due(generation)
    const forgetTo = this.#chunks.oldest(base?.chunk, generation)
    const commit: StateCommit = {
      generation,
      born,
      gone,
      changes,
      base,
      forgetTo,
      participants: saves,
      boot: this.#boot,
    }
    this.#file.write(commit)
    if (base !== undefined) this.#chunks.written(base.chunk, generation)
    this.#countCommit(commit)
    return true
  }

  #countCommit(commit: StateCommit): void {
    let bytes = commit.changes.length + (commit.base?.bytes.length ?? 0)
    for (const saved of commit.participants.values()) bytes += saved.length
    this.#participants.committed()
    this.#unknown = []
    this.#counts.commits++
    this.#counts.lastCommitBytes = bytes
    // A page and a frame's head for each row at least; the log is counted in pages of 4 KB.
    this.#wal.committed(bytes + 16_384)
  }

  /** A generation that was stored is used up, also when only participants had something to say. */
  #expose(stored: boolean): void {
    this.#timeMs = this.#clock.now()
    const waiting = this.#index.fresh.size + this.#index.gone.size
    if (!stored && waiting === 0 && nextDirty(this.#cells, 0) < 0) return
    this.#generation++
    settleFamilies(this.#index, this.#cells, this.#generation)
    show(this.#cells, this.#generation)
    this.#exemplars.show()
    this.#idle.mark(this.#generation)
  }

  #freeze(error: unknown): void {
    this.#participants.hold()
    this.#counts.commitFailures++
    this.#frozen = error instanceof Error ? error.message : String(error)
    this.#wal.checkpoint()
  }

  #view(): Snapshot {
    const cells = this.#cells
    const generation = (): number => this.#generation
    const timeMs = (): number => this.#timeMs
    const exemplars = this.#exemplars
    return {
      get generation() {
        return generation()
      },
      get timeMs() {
        return timeMs()
      },
      families: this.#index.families,
      get values() {
        return cells.shown
      },
      get changed() {
        return cells.changed
      },
      get buckets() {
        return cells.shownBuckets
      },
      exemplar: (slot) => exemplars.shown(slot),
    }
  }
}

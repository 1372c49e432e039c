/** A series as it is kept: `labels` as sorted pairs in JSON. Numbers and cells are reused only after it was forgotten. */
export interface JournalSeries {
  readonly id: number
  readonly cell: number
  readonly metric: string
  readonly labels: string
  readonly lastMs: number
}

/** Increments of one step. More rows than one may tell of the same step; they add up. */
export interface JournalRow {
  readonly atMs: number
  readonly stepMs: number
  readonly blob: Uint8Array
}

/** Written together or not at all. */
export interface JournalBatch {
  readonly series: readonly JournalSeries[]
  readonly forgotten: readonly number[]
  readonly rows: readonly JournalRow[]
  readonly kept: ReadonlyMap<string, Uint8Array>
}

/** The durable half of the embedded store. `commit` throws STATE_UNWRITABLE; reading never throws for damaged rows. */
export interface Journal {
  series(): Iterable<JournalSeries>
  /** Rows of one step length that begin in [fromMs, toMs), oldest first. */
  rows(stepMs: number, fromMs: number, toMs: number): Iterable<JournalRow>
  kept(): Map<string, Uint8Array>
  commit(batch: JournalBatch): void
  /** Takes out rows of one step length that begin before. Also the quiet moment to tidy files. */
  trim(stepMs: number, beforeMs: number): void
  bytes(): number
  close(): void
}

/** Without a folder: a day of minutes in memory, nothing after a restart. Finer rows live in the rings already. */
export function memoryJournal(keepStepMs: number): Journal {
  let rows: JournalRow[] = []
  return {
    series: () => [],
    rows: (stepMs, fromMs, toMs) =>
      stepMs === keepStepMs ? rows.filter((row) => row.atMs >= fromMs && row.atMs < toMs) : [],
    kept: () => new Map(),
    commit(batch) {
      for (const row of batch.rows) if (row.stepMs === keepStepMs) rows.push(row)
    },
    trim(stepMs, beforeMs) {
      if (stepMs === keepStepMs) rows = rows.filter((row) => row.atMs >= beforeMs)
    },
    bytes: () => rows.reduce((sum, row) => sum + row.blob.length, 0),
    close() {},
  }
}

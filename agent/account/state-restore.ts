import { METRICS } from "#mesh/catalogue.ts"
import type { Clock } from "#mesh/clock.ts"
import { type ErrorCode, MeshscopeError } from "#mesh/errors.ts"
import { type Cells, GAUGE, KIND_OF, makeCells, show } from "./cells.ts"
import type { Labels } from "./contract.ts"
import {
  admit,
  keyOfName,
  makeSeriesIndex,
  type SeriesIndex,
  seriesText,
  settleFamilies,
} from "./series-index.ts"
import { applyBlob } from "./state-codec.ts"
import { openStateFile, type StateFile, type StoredSeries, type StoredState, setAside } from "./state-file.ts"

/** Slots per base blob. */
export const CHUNK_SLOTS = 2048

export interface RestoreOptions {
  readonly folder: string
  readonly clock: Clock
  readonly common?: Labels
  readonly bootId?: string
  readonly note?: (code: ErrorCode, sentence: string) => void
}

/** The state file and all that was in it. */
export interface Restored {
  readonly file: StateFile
  readonly cells: Cells
  readonly index: SeriesIndex
  readonly generation: number
  /** Generation of each base blob, by chunk; missing ones count as 0. */
  readonly bases: Map<number, number>
  readonly participants: Map<string, Uint8Array>
  /** Stored series that this version cannot show; to be dropped by the next commit. */
  readonly unknown: number[]
}

/** Opens the folder's state. A damaged file is set aside and a new one begun. */
export function restoreState(options: RestoreOptions): Restored {
  try {
    return takeUp(options)
  } catch (error) {
    if (!(error instanceof MeshscopeError) || error.code !== "STATE_CORRUPT") throw error
    const aside = setAside(options.folder, options.clock.now())
    options.note?.("STATE_CORRUPT", `${error.message} It is kept as ${aside}; all counters start anew.`)
    return takeUp(options)
  }
}

function takeUp(options: RestoreOptions): Restored {
  const file = openStateFile(options.folder)
  try {
    return rebuild(file, afterPowerCut(file, options), options)
  } catch (error) {
    file.abandon()
    throw error
  }
}

/**
 * After a power cut the newest commits may be missing, so counters may have stepped back behind what was exposed. They
 * start anew, with a new start time, so that receivers see a reset and not a fall.
 */
function afterPowerCut(file: StateFile, options: RestoreOptions): StoredState {
  const stored = file.read()
  const same = stored.boot === "" || (options.bootId ?? "") === "" || stored.boot === options.bootId
  if (same || stored.clean) return stored
  file.startAnew(options.clock.now(), stored.generation + 1)
  options.note?.(
    "STATE_CORRUPT",
    "The machine stopped without closing the state file; all counters start anew.",
  )
  return file.read()
}

function rebuild(file: StateFile, stored: StoredState, options: RestoreOptions): Restored {
  const cells = makeCells()
  const index = makeSeriesIndex(options.common ?? {})
  const unknown = stored.series
    .filter((series) => !takeSeries(index, cells, series))
    .map((series) => series.id)
  for (let slot = 1; slot < cells.size; slot++) if (index.entries[slot] === undefined) index.holes.push(slot)
  const born = (slot: number): number => index.entries[slot]?.series.born ?? Infinity
  for (const base of stored.bases.values())
    applyBlob(base.bytes, cells, (slot) => base.generation >= born(slot))
  const baseOf = (slot: number): number => stored.bases.get(Math.floor(slot / CHUNK_SLOTS))?.generation ?? 0
  for (const { bytes, generation } of stored.deltas) {
    applyBlob(bytes, cells, (slot) => generation > baseOf(slot) && generation >= born(slot))
  }
  settleFamilies(index, cells, stored.generation)
  show(cells, stored.generation)
  const bases = new Map([...stored.bases].map(([chunk, base]) => [chunk, base.generation]))
  return {
    file,
    cells,
    index,
    generation: stored.generation,
    bases,
    participants: new Map(stored.participants),
    unknown,
  }
}

function takeSeries(index: SeriesIndex, cells: Cells, stored: StoredSeries): boolean {
  const key = keyOfName(stored.metric)
  if (key === undefined || KIND_OF[METRICS[key].type] === GAUGE || stored.id === 0) return false
  const overflow = stored.labels[0] === "overflow"
  const entry = { key, own: stored.labels, text: seriesText(key, stored.labels), overflow }
  admit(index, cells, stored.id, entry, stored)
  return true
}

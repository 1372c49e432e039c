import { constants, PerformanceObserver } from "node:perf_hooks"
import type { OwnFamily, OwnHistogram } from "./families.ts"

const KINDS: ReadonlyMap<unknown, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MAJOR, "major"],
  [constants.NODE_PERFORMANCE_GC_MINOR, "minor"],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, "incremental"],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, "weakcb"],
])
/** Seconds. */
const BOUNDS = [0.001, 0.01, 0.1, 1, 2, 5]

interface Kind extends OwnHistogram {
  sum: number
  readonly counts: number[]
}

/** How long garbage was collected, by kind, since this was called. */
export function watchGarbageCollection(): { family(): OwnFamily; close(): void } {
  const kinds = new Map<string, Kind>()
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const kind = KINDS.get(kindOf(entry))
      if (kind !== undefined) add(kinds, kind, entry.duration / 1000)
    }
  })
  observer.observe({ entryTypes: ["gc"] })
  return {
    family: () => ({
      name: "nodejs_gc_duration_seconds",
      type: "histogram",
      help: "Garbage collection duration by kind, one of major, minor, incremental or weakcb.",
      unit: "",
      points: [...kinds].map(([kind, histogram]) => ({ labels: { kind }, value: histogram.sum, histogram })),
    }),
    close() {
      observer.disconnect()
    },
  }
}

function kindOf(entry: object): unknown {
  const detail = "detail" in entry ? entry.detail : undefined
  return typeof detail === "object" && detail !== null && "kind" in detail ? detail.kind : undefined
}

function add(kinds: Map<string, Kind>, name: string, seconds: number): void {
  const kind = kinds.get(name) ?? { sum: 0, bounds: BOUNDS, counts: BOUNDS.map(() => 0).concat(0) }
  kinds.set(name, kind)
  const bucket = BOUNDS.findIndex((bound) => seconds <= bound)
  const at = bucket < 0 ? BOUNDS.length : bucket
  kind.sum += seconds
  kind.counts[at] = (kind.counts[at] ?? 0) + 1
}

import { Counter, Gauge, type Registry } from "prom-client"
import type { DeclaredModelView } from "../view/declared-model.ts"

export interface ModelCounts {
  readonly changes: number
  /** By source. */
  readonly failures: ReadonlyMap<string, number>
  view(): DeclaredModelView
}

/** What the collector tells of the declared model that it watches. */
export function registerModel(registry: Registry, home: ModelCounts): void {
  const add = (metric: Gauge | Gauge<"source"> | Counter<"source">): void => registry.registerMetric(metric)
  add(
    new Gauge({
      name: "mesh_collector_model_known",
      help: "1 when every source of the declared model told something, so that it is served.",
      registers: [],
      collect() {
        this.set(home.view().known ? 1 : 0)
      },
    }),
  )
  add(
    new Gauge({
      name: "mesh_collector_model_notes",
      help: "Objects passed over, references to what is not there, pods that two nodes select.",
      registers: [],
      collect() {
        this.set(home.view().notesTotal)
      },
    }),
  )
  add(
    new Gauge({
      name: "mesh_collector_model_source_up",
      help: "1 while what is known of a source is up to date; a watched kind is a source.",
      labelNames: ["source"],
      registers: [],
      collect() {
        this.reset()
        for (const { name, state } of home.view().sources) this.set({ source: name }, state === "ok" ? 1 : 0)
      },
    }),
  )
  add(
    new Gauge({
      name: "mesh_collector_model_objects",
      help: "Objects of each watched kind.",
      labelNames: ["source"],
      registers: [],
      collect() {
        this.reset()
        for (const { name, objects } of home.view().sources)
          if (objects !== null) this.set({ source: name }, objects)
      },
    }),
  )
  registry.registerMetric(
    new Counter({
      name: "mesh_collector_model_changes_total",
      help: "Times that the declared model changed, the first time included.",
      registers: [],
      collect() {
        this.reset()
        this.inc(home.changes)
      },
    }),
  )
  add(
    new Counter({
      name: "mesh_collector_model_failures_total",
      help: "Looks at a source of the declared model that failed; the last model stayed.",
      labelNames: ["source"],
      registers: [],
      collect() {
        this.reset()
        for (const [source, count] of home.failures) this.inc({ source }, count)
      },
    }),
  )
}

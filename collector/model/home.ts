import type { Clock } from "#mesh/clock.ts"
import type { ParsedModel } from "#mesh/declare/parsed.ts"
import type { DeclaredMesh } from "#mesh/declared.ts"
import type { Log } from "../log.ts"
import type { SeriesStore } from "../store/series-store.ts"
import type { DeclaredModelView } from "../view/declared-model.ts"
import { timeText } from "../view/time-text.ts"
import { DeclaredSeries } from "./declared-series.ts"
import { type ServedModel, servedModel } from "./document.ts"
import type { ModelSources } from "./sources.ts"

export interface ModelHomeDeps {
  readonly clock: Clock
  readonly log: Log
  readonly store: SeriesStore
  /** The receiver's clock, ms. */
  readonly nowMs: () => number
  /** Label of the series; empty: none. */
  readonly cluster: string
}

/** Notes that are shown and logged; the rest is counted. */
const MOST_NOTES = 100
/** How often the store is told that the series still stand. */
const KEEP_ALIVE_MS = 60_000

/** The one home of the declared model: watched here, served to agents, told to the collector's own views. */
export class ModelHome {
  readonly #sources: ModelSources
  readonly #deps: ModelHomeDeps
  readonly #series: DeclaredSeries
  readonly #ending = new AbortController()
  #running: Promise<unknown> = Promise.resolve()
  #served: ServedModel | undefined
  #model: ParsedModel | undefined
  #changedMs = 0
  #changes = 0
  #told: ReadonlySet<string> = new Set()

  constructor(sources: ModelSources, deps: ModelHomeDeps) {
    this.#sources = sources
    this.#deps = deps
    this.#series = new DeclaredSeries(deps.store, deps.cluster)
  }

  /** Undefined until every source told something. */
  get served(): ServedModel | undefined {
    return this.#served
  }

  /** How often the model changed, the first time included. */
  get changes(): number {
    return this.#changes
  }

  get failures(): ReadonlyMap<string, number> {
    return this.#sources.failures
  }

  start(): void {
    const { signal } = this.#ending
    this.#running = Promise.all([
      this.#sources.run((model) => this.#take(model), signal),
      this.#keepAlive(signal),
    ])
  }

  async stop(): Promise<void> {
    this.#ending.abort()
    await this.#running
  }

  #take(model: ParsedModel): void {
    const { log, nowMs } = this.#deps
    this.#model = model
    this.#served = servedModel(model)
    this.#changes++
    this.#changedMs = nowMs()
    this.#tellNotes(model.notes)
    void this.#series.publish(model.model.meshes, this.#changedMs)
    log.info("The declared model is known.", { meshes: model.model.meshes.length, notes: model.notes.length })
  }

  /** Each note once, as long as it stays. */
  #tellNotes(notes: readonly string[]): void {
    const shown = notes.slice(0, MOST_NOTES)
    for (const note of shown) if (!this.#told.has(note)) this.#deps.log.warn(note, { code: "MODEL_INVALID" })
    this.#told = new Set(shown)
  }

  async #keepAlive(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#deps.clock.sleep(KEEP_ALIVE_MS, signal)
      if (!signal.aborted) this.#series.keepAlive(this.#deps.nowMs())
    }
  }

  view(): DeclaredModelView {
    const notes = this.#model?.notes ?? []
    return {
      configured: true,
      known: this.#served !== undefined,
      changedAt: this.#changedMs === 0 ? null : timeText(this.#changedMs),
      meshes: (this.#model?.model.meshes ?? []).map(sizes),
      sources: this.#sources.states(),
      notes: notes.slice(0, MOST_NOTES),
      notesTotal: notes.length,
    }
  }
}

function sizes(mesh: DeclaredMesh): DeclaredModelView["meshes"][number] {
  const { name, flavor, virtualNodes, virtualServices, virtualRouters, virtualGateways } = mesh
  return {
    mesh: name,
    flavor,
    virtualNodes: virtualNodes.length,
    virtualServices: virtualServices.length,
    virtualRouters: virtualRouters.length,
    routes: virtualRouters.reduce((sum, { routes }) => sum + routes.length, 0),
    virtualGateways: virtualGateways.length,
    gatewayRoutes: virtualGateways.reduce((sum, { routes }) => sum + routes.length, 0),
  }
}

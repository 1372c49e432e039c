import { METRICS, type MetricKey } from "#mesh/catalogue.ts"
import type { DeclaredMesh } from "#mesh/declared.ts"
import { declaredGauges } from "#mesh/declared-gauges.ts"
import { HOME_AGENT } from "../store/home-agent.ts"
import { REFUSED, type SeriesRef, type SeriesStore } from "../store/series-store.ts"

const DECLARED = ["resourceInfo", "routeWeight", "objective"] as const satisfies readonly MetricKey[]

/** The declared model as series of the collector's own store, under the same names as agents tell it. */
export class DeclaredSeries {
  readonly #store: SeriesStore
  readonly #cluster: string
  /** Values by series; undefined until the model is known: what a restart brought back stands until then. */
  #values: ReadonlyMap<SeriesRef, number> | undefined

  constructor(store: SeriesStore, cluster: string) {
    this.#store = store
    this.#cluster = cluster
  }

  /** What is not declared any more leaves at once. */
  async publish(meshes: readonly DeclaredMesh[], nowMs: number): Promise<void> {
    const before = this.#values?.keys() ?? (await this.#restored())
    const values = new Map<SeriesRef, number>()
    for (const mesh of meshes)
      for (const { metric, labels, value } of declaredGauges(mesh)) {
        const own = { ...labels, cluster: this.#cluster }
        const ref = this.#store.series(
          METRICS[metric],
          new Map(Object.entries(own).filter(([, text]) => text !== "")),
        )
        if (ref !== REFUSED) values.set(ref, value)
      }
    for (const ref of before) if (!values.has(ref)) this.#store.retire(ref, HOME_AGENT)
    this.#values = values
    this.keepAlive(nowMs)
  }

  /** The store forgets what nobody tells for an hour. */
  keepAlive(nowMs: number): void {
    for (const [ref, value] of this.#values ?? []) this.#store.set(ref, HOME_AGENT, value, nowMs)
  }

  async #restored(): Promise<readonly SeriesRef[]> {
    const refs: SeriesRef[] = []
    for (const key of DECLARED) {
      const metric = METRICS[key]
      for (const { agent, labels } of await this.#store.gauges(metric))
        if (agent === HOME_AGENT) refs.push(this.#store.series(metric, labels))
    }
    return refs
  }
}

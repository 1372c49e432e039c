/** One source of the declared model, or one kind of object that is watched. */
export interface ModelSourceState {
  /** `files`, or a kind such as `virtualnodes.appmesh.k8s.aws`. */
  readonly name: string
  readonly state: "ok" | "waiting" | "problem"
  /** Objects of the kind; null for files, and while it was not listed. */
  readonly objects: number | null
  /** Why what is known may be out of date; null when it is not. */
  readonly problem: string | null
}

/** What the collector knows of the declared model, and what is wrong with it. */
export interface DeclaredModelView {
  /** The collector has sources of its own. Without, agents tell what is declared. */
  readonly configured: boolean
  /** Every source told something: the model is served to agents. */
  readonly known: boolean
  readonly changedAt: string | null
  readonly meshes: readonly {
    readonly mesh: string
    readonly flavor: string
    readonly virtualNodes: number
    readonly virtualServices: number
    readonly virtualRouters: number
    readonly routes: number
    readonly virtualGateways: number
    readonly gatewayRoutes: number
  }[]
  readonly sources: readonly ModelSourceState[]
  /** Objects that were passed over, references to what is not there, pods that two nodes select; the first hundred. */
  readonly notes: readonly string[]
  readonly notesTotal: number
}

export const NO_DECLARED_MODEL: DeclaredModelView = {
  configured: false,
  known: false,
  changedAt: null,
  meshes: [],
  sources: [],
  notes: [],
  notesTotal: 0,
}

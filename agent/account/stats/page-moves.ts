import type { SeriesSpace } from "./series-space.ts"

/** Which other pages of a proxy its stats say have changed. All are worth reading at first. */
export class PageMoves {
  #config = true
  #membership = true

  /** Reads the space's deltas, before they are cleared. */
  note(space: SeriesSpace): void {
    const changed = (place: number): boolean => space.delta[place] !== 0
    this.#config ||=
      changed(space.ofGlobal("cluster_manager_cds_version")) ||
      changed(space.ofGlobal("listener_manager_lds_version")) ||
      changed(space.ofGlobal("~rds_version"))
    for (let cluster = 0; cluster < space.clusters.length && !this.#membership; cluster++) {
      if (space.touched[cluster] === 1) {
        this.#membership = changed(space.ofCluster(cluster, "membership_change"))
      }
    }
  }

  /** Whether the configuration changed since this was last asked. */
  takeConfig(): boolean {
    const moved = this.#config
    this.#config = false
    return moved
  }

  /** Whether members of a cluster changed since this was last asked. */
  takeMembership(): boolean {
    const moved = this.#membership
    this.#membership = false
    return moved
  }
}

import type { SeriesKey } from "#mesh/stats.ts"

/** The names of all owners of one kind, to find whose a series is. Names may hold dots; the longest known one wins. */
export class OwnerNames {
  readonly #index: ReadonlyMap<string, number>
  /** Names with dots by what stands before the first one: where Envoy's tag rules cut them. */
  readonly #dotted = new Map<string, string[]>()

  constructor(names: readonly string[]) {
    // Istio ends names with a semicolon, which its tag rules leave out of the label.
    const bare = names.flatMap((name, index) =>
      name.endsWith(";") ? [[name.slice(0, -1), index] as const] : [],
    )
    this.#index = new Map([...bare, ...names.map((name, index) => [name, index] as const)])
    for (const name of names) {
      const dot = name.indexOf(".")
      if (dot < 0) continue
      const first = name.slice(0, dot)
      this.#dotted.set(first, [...(this.#dotted.get(first) ?? []), name])
    }
  }

  indexOf(name: string): number {
    return this.#index.get(name) ?? -1
  }

  /** The owner's number, -1 for none known, and the rest of the series' name with underscores. */
  split(key: SeriesKey): readonly [number, string] {
    return key.owner === undefined ? this.#splitRaw(key.rest) : this.#splitLabelled(key.owner, key.rest)
  }

  #splitRaw(rest: string): readonly [number, string] {
    for (let dot = rest.lastIndexOf("."); dot > 0; dot = rest.lastIndexOf(".", dot - 1)) {
      const index = this.#index.get(rest.slice(0, dot))
      if (index !== undefined) return [index, rest.slice(dot + 1).replaceAll(".", "_")]
    }
    return [-1, ""]
  }

  #splitLabelled(owner: string, rest: string): readonly [number, string] {
    let best = this.indexOf(owner)
    let bestRest = rest
    let leakedLength = 0
    for (const name of this.#dotted.get(owner) ?? []) {
      const leaked = `${name.slice(owner.length + 1).replaceAll(/[^A-Za-z0-9_]/g, "_")}_`
      if (leaked.length <= leakedLength || !rest.startsWith(leaked)) continue
      best = this.indexOf(name)
      bestRest = rest.slice(leaked.length)
      leakedLength = leaked.length
    }
    return [best, bestRest]
  }
}

const SAMPLE = /^(mesh_\w+(?:\{.*\})?) (\S+)$/

/** The counters of one page after another. */
export class Rising {
  readonly #ignored: string | undefined
  readonly #before = new Map<string, number>()

  /** @param ignored beginning of the names that may fall; absent: none */
  constructor(ignored?: string) {
    this.#ignored = ignored
  }

  /** Which counters, or counts of histograms, are less than they were or are gone: none may be. */
  take(text: string): readonly string[] {
    const fallen: string[] = []
    const rising = new Set(
      [...text.matchAll(/^# TYPE (mesh_\w+) (?:counter|histogram)$/gm)].map(([, name = ""]) => name),
    )
    const seen = new Set<string>()
    for (const line of text.split("\n")) {
      const [, series = "", number = ""] = SAMPLE.exec(line) ?? []
      const name = series.split("{")[0] ?? ""
      if (!rising.has(name) && !rising.has(name.replace(/_(?:bucket|sum|count)$/, ""))) continue
      if (this.#ignored !== undefined && name.startsWith(this.#ignored)) continue
      const before = this.#before.get(series) ?? 0
      if (!(Number(number) >= before)) fallen.push(`${series} ${before} -> ${number}`)
      this.#before.set(series, Number(number))
      seen.add(series)
    }
    for (const series of this.#before.keys()) if (!seen.has(series)) fallen.push(`${series} is missing`)
    return fallen
  }
}

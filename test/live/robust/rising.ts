const SAMPLE = /^(mesh_\w+(?:\{.*\})?) (\S+)$/

/** Looks at one page of one process after another: no counter may fall or go, its own ones included. */
export class RisingWatch {
  readonly complaints: string[] = []
  pages = 0
  readonly #before = new Map<string, number>()

  take(text: string): void {
    this.pages++
    const rising = new Set(
      [...text.matchAll(/^# TYPE (mesh_\w+) (?:counter|histogram)$/gm)].map(([, name = ""]) => name),
    )
    const seen = new Set<string>()
    for (const line of text.split("\n")) {
      const [, series = "", number = ""] = SAMPLE.exec(line) ?? []
      const family = series.split("{")[0]?.replace(/_(?:bucket|sum|count)$/, "") ?? ""
      if (!rising.has(family) && !rising.has(series.split("{")[0] ?? "")) continue
      const before = this.#before.get(series) ?? 0
      if (!(Number(number) >= before)) this.#complain(`${series} ${before} -> ${number}`)
      this.#before.set(series, Number(number))
      seen.add(series)
    }
    for (const series of this.#before.keys()) if (!seen.has(series)) this.#complain(`${series} is missing`)
  }

  #complain(what: string): void {
    if (this.complaints.length < 20) this.complaints.push(`page ${this.pages}: ${what}`)
  }
}

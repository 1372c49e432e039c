/** The usual good way to read a stats page: one string, `indexOf`, and a Map from the series' text to its number. */
export class StringMapParser {
  readonly #ids = new Map<string, number>()
  readonly values: number[] = []

  parse(page: Buffer): number {
    const text = page.toString("latin1")
    let at = 0
    let count = 0
    while (at < text.length) {
      let end = text.indexOf("\n", at)
      if (end < 0) end = text.length
      const space = text.lastIndexOf(" ", end)
      if (space > at && text.charCodeAt(at) !== 35) {
        const name = text.slice(at, space)
        let id = this.#ids.get(name)
        if (id === undefined) {
          id = this.#ids.size
          this.#ids.set(name, id)
        }
        this.values[id] = Number(text.slice(space + 1, end))
        count++
      }
      at = end + 1
    }
    return count
  }

  valueOf(name: string): number | undefined {
    const id = this.#ids.get(name)
    return id === undefined ? undefined : this.values[id]
  }
}

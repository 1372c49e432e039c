import type { DeclaredMesh } from "#mesh/declared.ts"

/** A fault command that cannot be understood; the message is for the user. */
export class FaultProblem extends Error {}

const V1 = "yelb-appserver-virtual-node"
const VALUE = /^(?:on|off|[\d.:-]+)$/

/** The words behind a fault's name, read one after the other against the declared mesh. All may be left out. */
export class FaultWords {
  readonly mesh: DeclaredMesh
  readonly #usage: string
  readonly #words: string[]

  constructor(words: readonly string[], usage: string, mesh: DeclaredMesh) {
    this.mesh = mesh
    this.#usage = usage
    this.#words = [...words]
  }

  /** A virtual node by its name or a part that fits one alone; the appserver v1 where no name stands. */
  node(): string {
    const names = this.mesh.virtualNodes.map(({ name }) => name)
    const [word] = this.#words
    return word === undefined || VALUE.test(word) ? V1 : this.#named("virtual node", names)
  }

  /** A route of a virtual router, by its whole name. */
  route(fallback: string): string {
    const names = this.mesh.virtualRouters.flatMap(({ routes }) => routes.map(({ name }) => name))
    return this.#words.length === 0 ? fallback : this.#named("route", names)
  }

  /** A whole number of at least `least`. */
  number(fallback: number, least: number): number {
    const word = this.#words.shift() ?? String(fallback)
    const value = /^\d{1,6}$/.test(word) ? Number(word) : -1
    if (value < least) throw this.#problem(`a whole number of at least ${least}`, word)
    return value
  }

  onOff(): boolean {
    const word = this.#words.shift() ?? "on"
    if (word !== "on" && word !== "off") throw this.#problem("on or off", word)
    return word === "on"
  }

  /** Whether the next word is `off`, which is then taken. */
  off(): boolean {
    const off = this.#words[0] === "off"
    if (off) this.#words.shift()
    return off
  }

  /** Two shares such as 99:1, not both 0. */
  shares(): readonly number[] {
    const word = this.#words.shift()
    const shares = /^(\d{1,3}):(\d{1,3})$/
      .exec(word ?? "")
      ?.slice(1)
      .map(Number)
    if (shares?.some((share) => share > 0) !== true)
      throw this.#problem("two weights such as 99:1 (not both 0)", word)
    return shares
  }

  /** All words must have been read. */
  end(): void {
    const [word] = this.#words
    if (word !== undefined) throw this.#problem("no other word", word)
  }

  #problem(expected: string, word: string | undefined): FaultProblem {
    const not = word === undefined ? "" : `, not "${word}"`
    return new FaultProblem(`"${this.#usage}" expects ${expected}${not}.`)
  }

  #named(kind: string, names: readonly string[]): string {
    const word = this.#words.shift() ?? ""
    if (names.includes(word)) return word
    const fitting = names.filter((name) => name.includes(word))
    const [shortest] = fitting.toSorted((a, b) => a.length - b.length)
    // Of `…-node` and `…-node-v2` the first is meant.
    if (shortest !== undefined && fitting.every((name) => name.includes(shortest))) return shortest
    const why = fitting.length > 1 ? `"${word}" fits more than one ${kind}` : `No ${kind} is called "${word}"`
    throw new FaultProblem(`${why}. There are: ${names.join(", ")}.`)
  }
}

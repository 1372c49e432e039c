/** What an RE2 text means, for matching whole strings only: groups capture nothing, lazy and greedy are the same. */
export type Node =
  /** One code unit within `ranges`: `[from, to, from, to, …]`, inclusive. */
  | { readonly kind: "set"; readonly ranges: readonly number[] }
  | { readonly kind: "sequence"; readonly nodes: readonly Node[] }
  | { readonly kind: "either"; readonly nodes: readonly Node[] }
  /** `most` is Infinity where there is no upper bound. */
  | { readonly kind: "repeat"; readonly node: Node; readonly least: number; readonly most: number }
  | { readonly kind: "begin" }
  | { readonly kind: "end" }

const LAST = 0xffff
/** RE2 refuses counts above 1,000, and so do we nesting that no route has. */
const MAX_COUNT = 1000
const MAX_DEPTH = 40

const DIGIT = [0x30, 0x39]
const WORD = [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a]
const SPACE = [0x09, 0x0a, 0x0c, 0x0d, 0x20, 0x20]
const CLASSES = new Map<string, readonly number[]>([
  ["d", DIGIT],
  ["D", complement(DIGIT)],
  ["w", WORD],
  ["W", complement(WORD)],
  ["s", SPACE],
  ["S", complement(SPACE)],
])
const NAMED = new Map<string, readonly number[]>([
  ["alnum", [0x30, 0x39, 0x41, 0x5a, 0x61, 0x7a]],
  ["alpha", [0x41, 0x5a, 0x61, 0x7a]],
  ["digit", DIGIT],
  ["lower", [0x61, 0x7a]],
  ["punct", [0x21, 0x2f, 0x3a, 0x40, 0x5b, 0x60, 0x7b, 0x7e]],
  ["space", [0x09, 0x0d, 0x20, 0x20]],
  ["upper", [0x41, 0x5a]],
  ["word", WORD],
  ["xdigit", [0x30, 0x39, 0x41, 0x46, 0x61, 0x66]],
])
const CONTROLS = new Map([
  ["n", 0x0a],
  ["r", 0x0d],
  ["t", 0x09],
  ["f", 0x0c],
  ["v", 0x0b],
  ["a", 0x07],
])

function complement(ranges: readonly number[]): number[] {
  const sorted = pairs(ranges).toSorted(([a], [b]) => a - b)
  const rest: number[] = []
  let next = 0
  for (const [from, to] of sorted) {
    if (from > next) rest.push(next, from - 1)
    next = Math.max(next, to + 1)
  }
  if (next <= LAST) rest.push(next, LAST)
  return rest
}

function pairs(ranges: readonly number[]): [number, number][] {
  const found: [number, number][] = []
  for (let index = 0; index < ranges.length; index += 2)
    found.push([ranges[index] ?? 0, ranges[index + 1] ?? 0])
  return found
}

/** ASCII letters in both cases: enough for paths and header values, which RE2 folds further. */
function bothCases(ranges: readonly number[]): number[] {
  const all = [...ranges]
  for (const [from, to] of pairs(ranges)) {
    for (const [low, high, shift] of [
      [0x41, 0x5a, 32],
      [0x61, 0x7a, -32],
    ] as const) {
      const start = Math.max(from, low)
      const end = Math.min(to, high)
      if (start <= end) all.push(start + shift, end + shift)
    }
  }
  return all
}

/** Thrown by the reader for what it does not know (`\b`, `\pL`, back references); `parsePattern` answers undefined then. */
class Unsupported extends Error {}

/** Reads RE2 syntax. Undefined where a part is not supported or the text is no pattern. */
export function parsePattern(text: string, ignoreCase = false): Node | undefined {
  try {
    return new Reader(text, ignoreCase).whole()
  } catch (error) {
    if (error instanceof Unsupported) return undefined
    throw error
  }
}

class Reader {
  readonly #text: string
  #at = 0
  #depth = 0
  #ignoreCase: boolean

  constructor(text: string, ignoreCase: boolean) {
    this.#text = text
    this.#ignoreCase = ignoreCase
  }

  whole(): Node {
    const node = this.#either()
    if (this.#at < this.#text.length) throw new Unsupported()
    return node
  }

  #take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false
    this.#at += token.length
    return true
  }

  #either(): Node {
    if (++this.#depth > MAX_DEPTH) throw new Unsupported()
    const outerCase = this.#ignoreCase
    const nodes = [this.#sequence()]
    while (this.#take("|")) nodes.push(this.#sequence())
    // A flag set inside a group ends with it.
    this.#ignoreCase = outerCase
    this.#depth -= 1
    return nodes.length === 1 && nodes[0] !== undefined ? nodes[0] : { kind: "either", nodes }
  }

  #sequence(): Node {
    const nodes: Node[] = []
    while (this.#at < this.#text.length && this.#text[this.#at] !== "|" && this.#text[this.#at] !== ")") {
      const node = this.#atom()
      if (node !== undefined) nodes.push(this.#repeated(node))
    }
    return { kind: "sequence", nodes }
  }

  #repeated(node: Node): Node {
    const [least, most] = this.#count()
    if (least === 1 && most === 1) return node
    this.#take("?")
    if ("*+?".includes(this.#text[this.#at] ?? " ")) throw new Unsupported()
    return { kind: "repeat", node, least, most }
  }

  #count(): [number, number] {
    if (this.#take("*")) return [0, Number.POSITIVE_INFINITY]
    if (this.#take("+")) return [1, Number.POSITIVE_INFINITY]
    if (this.#take("?")) return [0, 1]
    const braces = /^\{(\d{1,4})(,(\d{1,4})?)?\}/.exec(this.#text.slice(this.#at, this.#at + 12))
    if (braces === null) return [1, 1]
    this.#at += braces[0].length
    const least = Number(braces[1])
    const most = braces[2] === undefined ? least : Number(braces[3] ?? Number.POSITIVE_INFINITY)
    if (least > MAX_COUNT || (most > MAX_COUNT && most !== Number.POSITIVE_INFINITY) || most < least) {
      throw new Unsupported()
    }
    return [least, most]
  }

  #atom(): Node | undefined {
    const character = this.#text[this.#at] ?? ""
    this.#at += 1
    switch (character) {
      case "(":
        return this.#group()
      case "[":
        return this.#set(this.#class())
      case ".":
        return { kind: "set", ranges: complement([0x0a, 0x0a]) }
      case "^":
        return { kind: "begin" }
      case "$":
        return { kind: "end" }
      case "\\":
        return this.#escaped()
      case "*":
      case "+":
      case "?":
        throw new Unsupported()
      default:
        return this.#set([character.charCodeAt(0), character.charCodeAt(0)])
    }
  }

  #set(ranges: readonly number[]): Node {
    return { kind: "set", ranges: this.#ignoreCase ? bothCases(ranges) : ranges }
  }

  #group(): Node | undefined {
    if (this.#take("?")) {
      const head = /^(?:(i|s|is|si)?(:|\))|P?<[A-Za-z_]\w*>)/.exec(this.#text.slice(this.#at, this.#at + 64))
      if (head === null) throw new Unsupported()
      this.#at += head[0].length
      if (head[2] === ")") {
        // `(?i)` holds for the rest of the group around it.
        this.#ignoreCase ||= head[1]?.includes("i") ?? false
        return undefined
      }
      if (head[1]?.includes("i")) return this.#inside(true)
    }
    return this.#inside(this.#ignoreCase)
  }

  #inside(ignoreCase: boolean): Node {
    const outer = this.#ignoreCase
    this.#ignoreCase = ignoreCase
    const node = this.#either()
    this.#ignoreCase = outer
    if (!this.#take(")")) throw new Unsupported()
    return node
  }

  #escaped(): Node {
    const character = this.#text[this.#at] ?? ""
    if (this.#take("A")) return { kind: "begin" }
    if (this.#take("z")) return { kind: "end" }
    const known = CLASSES.get(character)
    if (known !== undefined) {
      this.#at += 1
      return this.#set(known)
    }
    const code = this.#escapedCode()
    return this.#set([code, code])
  }

  /** `\n`, `\x41`, `\x{41}`, or a sign that stands for itself; the backslash is behind us. */
  #escapedCode(): number {
    const hex = /^x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,4})\})/.exec(this.#text.slice(this.#at, this.#at + 8))
    if (hex !== null) {
      this.#at += hex[0].length
      return Number.parseInt(hex[1] ?? hex[2] ?? "0", 16)
    }
    const character = this.#text[this.#at] ?? ""
    this.#at += 1
    const control = CONTROLS.get(character)
    if (control !== undefined) return control
    // Letters and digits are operators we do not know.
    if (character === "" || /[A-Za-z0-9]/.test(character)) throw new Unsupported()
    return character.charCodeAt(0)
  }

  #class(): number[] {
    const negated = this.#take("^")
    const ranges: number[] = []
    let first = true
    while (first || this.#text[this.#at] !== "]") {
      first = false
      if (this.#at >= this.#text.length) throw new Unsupported()
      ranges.push(...this.#classItem())
    }
    this.#at += 1
    const folded = this.#ignoreCase ? bothCases(ranges) : ranges
    return negated ? complement(folded) : folded
  }

  #classItem(): readonly number[] {
    const named = /^\[:(\^?)([a-z]+):\]/.exec(this.#text.slice(this.#at, this.#at + 12))
    if (named !== null) {
      this.#at += named[0].length
      const ranges = NAMED.get(named[2] ?? "")
      if (ranges === undefined) throw new Unsupported()
      return named[1] === "^" ? complement(ranges) : ranges
    }
    const known = this.#text[this.#at] === "\\" ? CLASSES.get(this.#text[this.#at + 1] ?? "") : undefined
    if (known !== undefined) {
      this.#at += 2
      return known
    }
    const from = this.#classCode()
    if (this.#text[this.#at] !== "-" || this.#text[this.#at + 1] === "]") return [from, from]
    this.#at += 1
    const to = this.#classCode()
    if (to < from) throw new Unsupported()
    return [from, to]
  }

  #classCode(): number {
    if (this.#take("\\")) return this.#escapedCode()
    const code = this.#text.charCodeAt(this.#at)
    if (Number.isNaN(code)) throw new Unsupported()
    this.#at += 1
    return code
  }
}

import { type Node, parsePattern } from "./syntax.ts"

/**
 * A compiled RE2 pattern. Envoy runs RE2, which needs time linear in the text; a backtracking engine does not, and both
 * patterns and texts come from pods. So this is a plain simulation of the automaton (Thompson, 1968), with a bound on
 * its steps.
 */
export interface Pattern {
  /** What every matching text begins with; empty when nothing is certain. */
  readonly literalPrefix: string
  /** Whether the whole text matches, as Envoy asks it; undefined when it would take too many steps. */
  matches(text: string): boolean | undefined
}

/** About one millisecond. A path of 300 characters against a program of 100 needs at most a seventh of it. */
const MAX_STEPS = 200_000
/** RE2's own default limit at Envoy is 100 (`re2.max_program_size.error_level`); App Mesh sets 1,000. */
const MAX_PROGRAM = 4000

/** Undefined for patterns with parts that we do not know, or too large: their answer is then open, not wrong. */
export function compilePattern(text: string, ignoreCase = false): Pattern | undefined {
  const tree = parsePattern(text, ignoreCase)
  if (tree === undefined) return undefined
  const program = new Program()
  if (!program.add(tree)) return undefined
  program.end()
  return { literalPrefix: prefixOf(tree).text, matches: (subject) => program.run(subject) }
}

const SET = 0
const SPLIT = 1
const JUMP = 2
const BEGIN = 3
const END = 4
const MATCH = 5

class Program {
  readonly #ops: number[] = []
  /** Where to go on: for SPLIT both ways, for JUMP the first. */
  readonly #first: number[] = []
  readonly #second: number[] = []
  readonly #ranges: (readonly number[])[] = []

  #emit(op: number, ranges: readonly number[] = []): number {
    this.#ops.push(op)
    this.#first.push(0)
    this.#second.push(0)
    this.#ranges.push(ranges)
    return this.#ops.length - 1
  }

  end(): void {
    this.#emit(MATCH)
  }

  /** False when the program grew too large. */
  add(node: Node): boolean {
    if (this.#ops.length > MAX_PROGRAM) return false
    switch (node.kind) {
      case "set":
        this.#emit(SET, node.ranges)
        return true
      case "begin":
        this.#emit(BEGIN)
        return true
      case "end":
        this.#emit(END)
        return true
      case "sequence":
        return node.nodes.every((one) => this.add(one))
      case "either":
        return this.#addEither(node.nodes)
      case "repeat":
        return this.#addRepeat(node)
    }
  }

  #addEither(nodes: readonly Node[]): boolean {
    const jumps: number[] = []
    for (const [index, node] of nodes.entries()) {
      const last = index === nodes.length - 1
      const split = last ? -1 : this.#emit(SPLIT)
      if (split >= 0) this.#first[split] = this.#ops.length
      if (!this.add(node)) return false
      if (!last) {
        jumps.push(this.#emit(JUMP))
        this.#second[split] = this.#ops.length
      }
    }
    for (const jump of jumps) this.#first[jump] = this.#ops.length
    return true
  }

  #addRepeat(node: Extract<Node, { kind: "repeat" }>): boolean {
    for (let count = 0; count < node.least; count += 1) if (!this.add(node.node)) return false
    if (node.most === Number.POSITIVE_INFINITY) {
      const split = this.#emit(SPLIT)
      this.#first[split] = this.#ops.length
      if (!this.add(node.node)) return false
      this.#first[this.#emit(JUMP)] = split
      this.#second[split] = this.#ops.length
      return true
    }
    const splits: number[] = []
    for (let count = node.least; count < node.most; count += 1) {
      const split = this.#emit(SPLIT)
      this.#first[split] = this.#ops.length
      splits.push(split)
      if (!this.add(node.node)) return false
    }
    for (const split of splits) this.#second[split] = this.#ops.length
    return true
  }

  run(text: string): boolean | undefined {
    const size = this.#ops.length
    if (size * (text.length + 1) > MAX_STEPS) return undefined
    let now: number[] = []
    let next: number[] = []
    // The position at which an instruction was last entered: keeps each list free of repeats.
    const entered = new Int32Array(size).fill(-1)
    this.#enter(0, 0, text.length, now, entered)
    for (let at = 0; at < text.length && now.length > 0; at += 1) {
      const code = text.charCodeAt(at)
      next.length = 0
      for (const instruction of now) {
        if (this.#ops[instruction] !== SET || !within(code, this.#ranges[instruction] ?? [])) continue
        this.#enter(instruction + 1, at + 1, text.length, next, entered)
      }
      const spare = now
      now = next
      next = spare
    }
    return now.some((instruction) => this.#ops[instruction] === MATCH)
  }

  /** Follows the ways that eat nothing. Depth is bounded by the program: each instruction is entered once per position. */
  #enter(start: number, at: number, length: number, list: number[], entered: Int32Array): void {
    const waiting = [start]
    for (let instruction = waiting.pop(); instruction !== undefined; instruction = waiting.pop()) {
      if (entered[instruction] === at) continue
      entered[instruction] = at
      const op = this.#ops[instruction]
      if (op === SPLIT) waiting.push(this.#second[instruction] ?? 0, this.#first[instruction] ?? 0)
      else if (op === JUMP) waiting.push(this.#first[instruction] ?? 0)
      else if ((op === BEGIN && at === 0) || (op === END && at === length)) waiting.push(instruction + 1)
      else if (op === SET || op === MATCH) list.push(instruction)
    }
  }
}

function within(code: number, ranges: readonly number[]): boolean {
  for (let index = 0; index < ranges.length; index += 2) {
    if (code >= (ranges[index] ?? 0) && code <= (ranges[index + 1] ?? -1)) return true
  }
  return false
}

/** The letters that a match must begin with; `open` while nothing but fixed letters was seen. */
function prefixOf(node: Node): { text: string; open: boolean } {
  switch (node.kind) {
    case "set": {
      const [from, to] = node.ranges
      const fixed = node.ranges.length === 2 && from === to && from !== undefined
      return fixed ? { text: String.fromCharCode(from), open: true } : { text: "", open: false }
    }
    case "begin":
      return { text: "", open: true }
    case "sequence": {
      let text = ""
      for (const one of node.nodes) {
        const part = prefixOf(one)
        text += part.text
        if (!part.open) return { text, open: false }
      }
      return { text, open: true }
    }
    case "end":
    case "either":
    case "repeat":
      return { text: "", open: false }
  }
}

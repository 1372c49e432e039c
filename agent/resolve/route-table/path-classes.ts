import type { EnvoyRoute } from "#mesh/proxy.ts"
import { compilePattern } from "../pattern/pattern.ts"

const SLASH = 0x2f
/** What a byte means for a path that no normalisation changes. */
const PLAIN = 0
const STOP = 1
const STEP = 2
const DOT = 3
const ODD = 4
const KINDS = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte === 0x3f || byte === 0x23) return STOP
  if (byte === SLASH) return STEP
  if (byte === 0x2e) return DOT
  return byte === 0x25 || byte === 0x5c || byte > 0x7f ? ODD : PLAIN
})
/** What may follow a node's text: the end of the path, a slash, something else. */
const FOLLOWERS = 3

/** A radix tree over bytes, whose node 0 is the root: what leads from a node to each of its children. */
interface Tree {
  readonly letters: Buffer
  readonly edges: Edge[]
}

interface Edge {
  /** Parent * 256 + first letter. */
  readonly key: number
  readonly child: number
  /** The edge's text: from `start` on in `letters`. */
  readonly start: number
  readonly size: number
  /** A pattern begins behind it, so that only trying it tells what a path below leads to. */
  readonly open: boolean
}

/** Integers of one edge in `#edges`: key, child, start, size, the size of an open one less than 0. */
const EDGE = 4

/**
 * Sorts paths into classes, such that paths of one class lead to the same routes: by the longest text of a route that
 * the path begins with, and by what follows it. There are a few classes per text of the configuration, whatever paths
 * strangers ask for, so what was found for one path holds for others that were never seen.
 */
export class PathClasses {
  readonly #letters: Buffer
  /** Open addressing by key; child 0 means that the place is free. An edge is within one cache line. */
  readonly #edges: Int32Array

  private constructor({ letters, edges }: Tree) {
    this.#letters = letters
    let places = 4
    while (places < edges.length * 2) places *= 2
    this.#edges = new Int32Array(places * EDGE)
    for (const { key, child, start, size, open } of edges)
      this.#edges.set([key, child, start, open ? -size : size], placeOf(this.#edges, key))
  }

  /** Undefined where a route asks for more of a path than its class tells: its query, its text, or a case that is ignored. */
  static of(routes: readonly EnvoyRoute[]): PathClasses | undefined {
    const texts = new Map<string, boolean>()
    for (const { match, action } of routes) {
      if (action.kind === "route" && (action.prefixRewrite ?? action.regexRewrite) !== undefined)
        return undefined
      if (match.query.length > 0 || match.headers.some(({ name }) => name === ":path")) return undefined
      const { kind, value, caseSensitive } = match
      if (kind === "connect" || kind === "other") continue
      if (kind !== "regex" && !caseSensitive) return undefined
      const text = kind === "regex" ? compilePattern(value)?.literalPrefix : value
      // No plain path begins with a text that is not plain itself.
      if (text !== undefined && isPlain(text)) texts.set(text, kind === "regex" || texts.get(text) === true)
    }
    return texts.get("") === true ? undefined : new PathClasses(treeOf(texts))
  }

  /** The class of the path at `[start, end)`, 0 or more; -1: none, as it is not plain or may lead to a pattern. */
  of(view: DataView, start: number, end: number): number {
    const edges = this.#edges
    let node = 0
    let at = start
    while (at < end) {
      const edge = placeOf(edges, node * 256 + view.getUint8(at))
      const child = edges[edge + 1] ?? 0
      const size = edges[edge + 3] ?? 0
      if (child === 0 || !this.#isAt(edges[edge + 2] ?? 0, Math.abs(size), view, at, end)) break
      if (size < 0) return -1
      at += size
      node = child
    }
    return isPlainBehind(view, start, at, end) ? node * FOLLOWERS + followerAt(view, at, end) : -1
  }

  #isAt(from: number, size: number, view: DataView, at: number, end: number): boolean {
    if (at + size > end) return false
    // The first letter led here.
    for (let index = 1; index < size; index += 1)
      if (view.getUint8(at + index) !== this.#letters[from + index]) return false
    return true
  }
}

/** Where the edge of a key is, or would be. */
function placeOf(edges: Int32Array, key: number): number {
  const mask = edges.length - EDGE
  const mixed = Math.imul(key, 0x9e3779b1)
  let at = (mixed ^ (mixed >>> 15)) & mask
  while (edges[at + 1] !== 0 && edges[at] !== key) at = (at + EDGE) & mask
  return at
}

/** Neither `//`, `/.`, `%`, a backslash nor a letter beyond ASCII, up to where the query begins. What is before `at` is known to be so. */
function isPlainBehind(view: DataView, start: number, at: number, end: number): boolean {
  let slash = at > start && view.getUint8(at - 1) === SLASH
  for (; at < end; at += 1) {
    const kind = KINDS[view.getUint8(at)] ?? ODD
    if (kind === PLAIN) {
      slash = false
      continue
    }
    if (kind === STOP) return true
    if (kind === ODD || (slash && (kind === STEP || kind === DOT))) return false
    slash = kind === STEP
  }
  return true
}

function followerAt(view: DataView, at: number, end: number): number {
  if (at === end) return 0
  const kind = KINDS[view.getUint8(at)]
  return kind === STOP ? 0 : kind === STEP ? 1 : 2
}

function isPlain(text: string): boolean {
  const bytes = Buffer.from(text)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return isPlainBehind(view, 0, 0, bytes.length) && !/[?#]/.test(text)
}

/** @param texts what routes ask for, and whether a pattern begins so */
function treeOf(texts: ReadonlyMap<string, boolean>): Tree {
  const sorted = [...texts.keys()].map((text) => Buffer.from(text)).toSorted((a, b) => a.compare(b))
  const offsets: number[] = []
  let length = 0
  for (const text of sorted) {
    offsets.push(length)
    length += text.length
  }
  const tree: Tree = { letters: Buffer.concat(sorted), edges: [] }
  // Not recursive: whoever writes the configuration decides how deep it nests.
  const waiting = [{ node: 0, depth: 0, from: 0, to: sorted.length }]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node, depth, to } = next
    let { from } = next
    // A text that ends at the node itself comes first.
    if (sorted[from]?.length === depth) from += 1
    while (from < to) {
      const first = sorted[from] ?? tree.letters
      const letter = first[depth] ?? 0
      let past = from + 1
      while (past < to && sorted[past]?.[depth] === letter) past += 1
      const end = sharedLength(first, sorted[past - 1] ?? first)
      const child = tree.edges.length + 1
      const open = end === first.length && texts.get(first.toString()) === true
      const start = (offsets[from] ?? 0) + depth
      tree.edges.push({ key: node * 256 + letter, child, start, size: end - depth, open })
      waiting.push({ node: child, depth: end, from, to: past })
      from = past
    }
  }
  return tree
}

function sharedLength(a: Buffer, b: Buffer): number {
  let length = 0
  while (length < a.length && a[length] === b[length]) length += 1
  return length
}

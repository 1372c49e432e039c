import type { AccessFact } from "#mesh/access.ts"
import type { JsonFormat } from "#mesh/proxy.ts"
import { type AccessLogDecoder, DecodeResult } from "./decoder.ts"
import { finishFact } from "./finish.ts"
import { unescapeJson } from "./json-escape.ts"
import { jsonTree } from "./json-format.ts"
import { JsonReader, Match } from "./json-reader.ts"
import { JsonScan, Scan } from "./json-scan.ts"
import { type JsonTemplate, learnTemplate } from "./json-template.ts"
import { type Plan, planFormat } from "./plan.ts"
import { Kind } from "./target.ts"
import { storeValue } from "./value.ts"

const QUOTE = 34
const LOWER_N = 110
const OPEN = 123
/** Learning costs as much as some dozens of lines, so a file whose lines differ in their keys may do it only so often. */
const LEARN_EVERY = 256
const LEARN_AT_ONCE = 4

/** Decoder of a JSON format: by a template learned from its own lines, and by a scan where a line differs. */
export function jsonDecoder(format: JsonFormat, kind: "http" | "tcp"): AccessLogDecoder {
  const tree = jsonTree(format)
  const plan = planFormat(tree.operators, false, kind)
  const lines = new JsonLines(plan, new JsonScan(tree.keys))
  return {
    abilities: plan.abilities,
    fact: plan.fact,
    unknownOperators: plan.unknown,
    tellsKind: plan.tellsKind,
    decode: (bytes, start, end) => lines.decode(bytes, start, end),
  }
}

class JsonLines {
  readonly #plan: Plan
  readonly #scan: JsonScan
  readonly #reader = new JsonReader()
  #template: JsonTemplate | undefined
  #lessons = LEARN_AT_ONCE
  #untilLesson = LEARN_EVERY
  #scratch = Buffer.alloc(4096)
  constructor(plan: Plan, scan: JsonScan) {
    this.#plan = plan
    this.#scan = scan
  }

  decode(bytes: Buffer, start: number, end: number): number {
    if (bytes[start] !== OPEN || start >= end) return DecodeResult.notAccessLine
    const { fact } = this.#plan
    const match =
      this.#template === undefined ? Match.no : this.#reader.read(this.#template, fact, bytes, start, end)
    if (match === Match.no) return this.#general(bytes, start, end)
    return this.#finish(bytes, match === Match.escaped, this.#reader.intermediate)
  }

  #general(bytes: Buffer, start: number, end: number): number {
    const scan = this.#scan.scan(bytes, start, end)
    if (scan !== Scan.ours) return scan === Scan.torn ? DecodeResult.malformed : DecodeResult.notAccessLine
    const intermediate = this.#storeEntries(bytes)
    this.#learn(bytes, start, end)
    return this.#finish(bytes, true, intermediate)
  }

  #storeEntries(bytes: Buffer): boolean {
    const { fact, slots } = this.#plan
    // A key may be missing (`omit_empty_values`), and what the line before left must not stay.
    for (const slot of slots) storeValue(fact, slot.kind, slot.span, bytes, -1, -1)
    let intermediate = false
    for (let index = 0; index < this.#scan.count; index++) {
      const entry = this.#scan.entries[index]
      const slot = entry === undefined ? undefined : slots[entry.leaf]
      if (entry === undefined || slot === undefined || slot.kind === Kind.skip) continue
      const quoted = bytes[entry.start] === QUOTE ? 1 : 0
      const start = bytes[entry.start] === LOWER_N ? -1 : entry.start + quoted
      if (storeValue(fact, slot.kind, slot.span, bytes, start, entry.end - quoted)) intermediate = true
    }
    return intermediate
  }

  #learn(bytes: Buffer, start: number, end: number): void {
    this.#untilLesson -= 1
    if (this.#untilLesson <= 0) {
      this.#untilLesson = LEARN_EVERY
      this.#lessons = Math.min(this.#lessons + 1, LEARN_AT_ONCE)
    }
    if (this.#lessons === 0) return
    this.#lessons -= 1
    this.#template = learnTemplate(this.#scan, this.#plan.slots, bytes, start, end)
  }

  #finish(bytes: Buffer, escaped: boolean, intermediate: boolean): number {
    const { fact } = this.#plan
    finishFact(this.#plan, escaped ? this.#unescape(fact, bytes) : bytes)
    return intermediate ? DecodeResult.intermediate : DecodeResult.ok
  }

  /** Copies all texts into the scratch buffer with their escapes undone, and points the spans there. */
  #unescape(fact: AccessFact, bytes: Buffer): Buffer {
    const { spans } = fact
    let needed = 0
    for (let at = 0; at < spans.length; at += 2) {
      // Of an empty span the end says nothing.
      if ((spans[at] ?? -1) >= 0) needed += (spans[at + 1] ?? 0) - (spans[at] ?? 0)
    }
    if (needed > this.#scratch.length) this.#scratch = Buffer.alloc(needed * 2)
    let to = 0
    for (let at = 0; at < spans.length; at += 2) {
      const start = spans[at] ?? -1
      if (start < 0) continue
      spans[at] = to
      to = unescapeJson(bytes, start, spans[at + 1] ?? start, this.#scratch, to)
      spans[at + 1] = to
    }
    return this.#scratch
  }
}

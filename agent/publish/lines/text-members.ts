import { type AccessFact, Field } from "#mesh/access.ts"
import { put } from "./bytes.ts"
import { MOST_GROWTH, writeText } from "./json-text.ts"
import { type LineMember, memberHead } from "./line-members.ts"

interface TextMember {
  readonly name: LineMember
  readonly field: number
  /** Taken where `field` is not in the line. */
  readonly spare?: number
  readonly path?: true
}

/** Bytes that a proxy copied from a caller or an upstream. */
const TEXTS: readonly TextMember[] = [
  { name: "method", field: Field.method },
  { name: "path", field: Field.path, spare: Field.eitherPath, path: true },
  { name: "original_path", field: Field.originalPath, path: true },
  { name: "authority", field: Field.authority },
  { name: "details", field: Field.details },
  { name: "termination", field: Field.termination },
  { name: "upstream_host", field: Field.upstreamHost },
  { name: "user_agent", field: Field.userAgent },
  { name: "request_id", field: Field.requestId },
]
const HEADS = TEXTS.map(({ name }) => Buffer.from(`${memberHead(name).toString()}"`))
const HEAD_BYTES = HEADS.reduce((sum, head) => sum + head.length + 1, 0)
const FIELDS = Int32Array.from(TEXTS, ({ field }) => field * 2)
const SPARES = Int32Array.from(TEXTS, ({ field, spare }) => (spare ?? field) * 2)
const PATHS = Uint8Array.from(TEXTS, ({ path }) => (path === true ? 1 : 0))
const QUOTE = 0x22
const QUESTION = 0x3f
const NUMBER_SIGN = 0x23
/** Beyond any line; small enough that sums of offsets stay small integers. */
export const NO_LIMIT = 2 ** 29

/** The long members of a line: all that can make it too large. */
export interface TextMembers {
  /** Bytes that each took when they were last written, without quotes, in `TEXTS`' order. */
  readonly lengths: Int32Array
  /** Most bytes that `write` takes without a limit. */
  size(fact: AccessFact): number
  /** @param each most bytes of each text */
  write(out: Buffer, to: number, fact: AccessFact, each: number): number
}

/** @param keepQuery whether paths keep what stands behind `?` */
export function makeTextMembers(keepQuery: boolean): TextMembers {
  const lengths = new Int32Array(TEXTS.length)
  return {
    lengths,
    size(fact) {
      let bytes = 0
      for (let index = 0; index < TEXTS.length; index++) {
        const at = place(fact.spans, index)
        bytes += (fact.spans[at + 1] ?? 0) - (fact.spans[at] ?? 0)
      }
      return HEAD_BYTES + bytes * MOST_GROWTH
    },
    write(out, to, { spans, bytes }, each) {
      for (let index = 0; index < TEXTS.length; index++) {
        lengths[index] = 0
        const at = place(spans, index)
        const start = spans[at] ?? -1
        if (start < 0) continue
        let end = spans[at + 1] ?? start
        if (!keepQuery && PATHS[index] === 1) end = queryStart(bytes, start, end)
        const head = HEADS[index]
        if (head !== undefined) to = put(out, to, head)
        const from = to
        to = writeText(out, to, bytes, start, end, to + each)
        lengths[index] = to - from
        out[to++] = QUOTE
      }
      return to
    },
  }
}

function place(spans: Int32Array, index: number): number {
  const at = FIELDS[index] ?? 0
  return (spans[at] ?? -1) < 0 ? (SPARES[index] ?? 0) : at
}

function queryStart(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    const byte = bytes[at]
    if (byte === QUESTION || byte === NUMBER_SIGN) return at
  }
  return end
}

/**
 * How long each text may be so that all together take `budget`: short ones stay whole and the longest are cut to the same
 * length. At least 0.
 */
export function fittingLength(lengths: Int32Array, budget: number): number {
  const sorted = lengths.toSorted()
  let left = Math.max(0, budget)
  for (const [index, length] of sorted.entries()) {
    const share = Math.floor(left / (sorted.length - index))
    if (length > share) return share
    left -= length
  }
  return NO_LIMIT
}

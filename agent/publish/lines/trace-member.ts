import type { AccessFact } from "#mesh/access.ts"
import { HEAD_DIGITS, makeTraceHeader, readTraceHeader, TAIL_DIGITS } from "#mesh/trace-header.ts"
import { put, putRange } from "./bytes.ts"
import { memberHead, wholeMember } from "./line-members.ts"

const HEAD = memberHead("trace_id")
const SAMPLED = wholeMember("trace_sampled", true)
const NOT_SAMPLED = wholeMember("trace_sampled", false)
const header = makeTraceHeader()
const QUOTE = 0x22
const DASH = 0x2d
const ONE = 0x31

/** Writes the members `trace_id` (`1-<8>-<24>` where the header was X-Ray's, else 32 digits) and `trace_sampled`. */
export function writeTrace(out: Buffer, to: number, fact: AccessFact): number {
  readTraceHeader(fact, header)
  const { form, headAt, tailAt, sampled } = header
  if (form === "none") return to
  const { bytes } = fact
  to = put(out, to, HEAD)
  out[to++] = QUOTE
  if (form === "xray") {
    out[to++] = ONE
    out[to++] = DASH
  }
  to = putRange(out, to, bytes, headAt, headAt + HEAD_DIGITS)
  if (form === "xray") out[to++] = DASH
  to = putRange(out, to, bytes, tailAt, tailAt + TAIL_DIGITS)
  out[to++] = QUOTE
  if (sampled === undefined) return to
  return put(out, to, sampled ? SAMPLED : NOT_SAMPLED)
}

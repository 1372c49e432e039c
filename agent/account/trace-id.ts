import type { AccessFact } from "#mesh/access.ts"
import { HEAD_DIGITS, makeTraceHeader, readTraceHeader, TAIL_DIGITS } from "#mesh/trace-header.ts"

const header = makeTraceHeader()

/**
 * The trace id of a request whose trace was sampled, as 32 lower-case digits. A bare id (Envoy's `%TRACE_ID%`) does not
 * tell, and is taken.
 */
export function sampledTraceId(fact: AccessFact): string | undefined {
  readTraceHeader(fact, header)
  const { form, sampled, headAt, tailAt } = header
  if (form === "none" || (form !== "bare" && sampled !== true)) return undefined
  const head = fact.bytes.toString("latin1", headAt, headAt + HEAD_DIGITS)
  return head + fact.bytes.toString("latin1", tailAt, tailAt + TAIL_DIGITS)
}

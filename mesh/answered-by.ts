import { type AccessFact, Field } from "./access.ts"
import { ANSWERED_BY, answeredBy } from "./outcome.ts"

/** Details that Envoy writes for answers that the upstream began (see `answeredBy` in outcome.ts). */
const VIA_UPSTREAM = Buffer.from("via_upstream")
const RESET_AFTER_START = Buffer.from("upstream_reset_after_response_started")
const APP = ANSWERED_BY.indexOf("app")
const PROXY = ANSWERED_BY.indexOf("proxy")
const UNKNOWN = ANSWERED_BY.indexOf("unknown")

/** Index into `ANSWERED_BY`, read from the details' bytes without making a text of them. */
export function answeredByIndex(fact: AccessFact): number {
  const start = fact.spans[Field.details * 2] ?? -1
  if (start < 0) {
    const who = answeredBy(undefined, fact.flags, fact.code)
    return who === "app" ? APP : who === "proxy" ? PROXY : UNKNOWN
  }
  const length = (fact.spans[Field.details * 2 + 1] ?? start) - start
  const app =
    (length === VIA_UPSTREAM.length && beginsWith(fact.bytes, start, VIA_UPSTREAM)) ||
    (length >= RESET_AFTER_START.length && beginsWith(fact.bytes, start, RESET_AFTER_START))
  return app ? APP : PROXY
}

function beginsWith(bytes: Buffer, start: number, text: Buffer): boolean {
  for (let index = 0; index < text.length; index++) {
    if (bytes[start + index] !== text[index]) return false
  }
  return true
}

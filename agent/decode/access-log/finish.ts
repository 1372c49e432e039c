import { type AccessFact, Field } from "#mesh/access.ts"
import type { Plan } from "./plan.ts"

const METHOD = Field.method * 2
const PROTOCOL = Field.protocol * 2

/** What is the same for all formats once a line's values are stored: spare values, and whether it was a request. */
export function finishFact(plan: Plan, bytes: Buffer): void {
  const { fact, fallbacks } = plan
  fact.bytes = bytes
  for (let index = 0; index < fallbacks.length; index += 2) {
    const from = (fallbacks[index] ?? 0) * 2
    const to = (fallbacks[index + 1] ?? 0) * 2
    if (fact.spans[to] !== -1) continue
    fact.spans[to] = fact.spans[from] ?? -1
    fact.spans[to + 1] = fact.spans[from + 1] ?? -1
  }
  fact.kind = isConnection(fact, plan.tcp) ? "tcp" : "http"
}

/**
 * A TCP proxy's line has neither method nor protocol nor code (a request that Envoy could not read has a code or a
 * protocol). A format without those fields leaves it to the filter that logs.
 */
function isConnection(fact: AccessFact, tcp: boolean): boolean {
  if (fact.spans[METHOD] !== -1 || fact.spans[PROTOCOL] !== -1 || fact.code > 0) return false
  return tcp
}

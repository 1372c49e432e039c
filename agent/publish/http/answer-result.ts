import type { WriteResult } from "../contract.ts"
import { bodyLine } from "./one-line.ts"
import type { PushAnswer } from "./push-client.ts"

/** How a protocol reads answers. */
export interface AnswerRules {
  /** Whether to try again after this status, which is 300 or more. */
  retryable(status: number): boolean
  /** What a status from 200 to 299 says; that everything was taken, where a protocol has no more to say. */
  accepted?(body: Buffer): WriteResult
  /** A word of ours for why a receiver refused for good, where the protocol tells more than the status does. */
  reason?(status: number, text: string): string | undefined
}

const MAX_WHY_CHARS = 300
const ACCEPTED: WriteResult = { kind: "accepted" }

/** OTLP/HTTP (opentelemetry.io/docs/specs/otlp, "Retryable Response Codes"). */
export const OTLP_RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504])

/** What a sink says to the answer to one of its requests. */
export function resultOf(answer: PushAnswer, rules: AnswerRules, nowMs: number): WriteResult {
  if (answer.kind === "trouble") return { ...answer, kind: "retry" }
  const { status, headers, body } = answer
  if (status >= 200 && status < 300) return rules.accepted?.(body) ?? ACCEPTED
  const text = bodyLine(body)
  const why = whyOf(status, text)
  // A wrong token is the user's to mend, and what waits is as good with the next one.
  if (!rules.retryable(status) && status !== 401) {
    return { kind: "rejected", reason: rules.reason?.(status, text) ?? refusal(status), why }
  }
  const afterMs = retryAfterMs(headers["retry-after"], nowMs)
  return { kind: "retry", why, ...(afterMs === undefined ? {} : { afterMs }) }
}

/** What the user can do about some statuses. */
const ADVICE: Readonly<Record<number, string>> = {
  401: "The receiver does not accept who we are: check the token in this output's headers, or its certificate",
  403: "The receiver does not allow this: check what the token may do",
  404: "Nothing takes this at that address: check it",
  405: "Nothing takes this at that address: check it",
}

/** What the receiver said, in brackets where there is something to be done about it. */
function whyOf(status: number, text: string): string {
  const said = `status ${status} ${text}`.trim()
  const advice =
    status >= 300 && status < 400
      ? "The receiver sends us elsewhere, which is not followed: correct the address"
      : ADVICE[status]
  return (advice === undefined ? said : `${advice} (${said})`).slice(0, MAX_WHY_CHARS)
}

/** A word for a status that refuses for good. */
function refusal(status: number): string {
  if (status === 403) return "denied"
  if (status === 404 || status === 405) return "not_found"
  if (status === 413) return "too_large"
  if (status >= 300 && status < 400) return "redirected"
  return status >= 400 && status < 500 ? "invalid" : "refused"
}

/** Seconds or a date (RFC 9110, 10.2.3). */
function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined
  const wait = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs
  return Number.isNaN(wait) ? undefined : Math.max(0, wait)
}

import type { WriteResult } from "../contract.ts"
import { resultOf } from "../http/answer-result.ts"
import { bodyLine } from "../http/one-line.ts"
import type { PushAnswer } from "../http/push-client.ts"

/** What the collector says to a request. Members that it left out are undefined. */
export interface HecAnswer {
  readonly code: number | undefined
  readonly text: string
  /** Of the first event that it could not take, from 0. */
  readonly invalidEvent: number | undefined
  readonly ackId: number | undefined
}

/** Mistakes that somebody has to put right, after which the same events are good: they wait. */
const TO_PUT_RIGHT: ReadonlyMap<number, string> = new Map([
  [1, "Splunk says that the token is disabled: enable it."],
  [2, "Splunk asks for a token: set publish.splunk.token."],
  [3, "Splunk does not understand the authorization: check what publish.splunk.token refers to."],
  [4, "Splunk does not know the token: check what publish.splunk.token refers to."],
  [7, "The token may not write to the index: allow it in Splunk, or set another index."],
  [10, "Splunk asks for a channel; a proxy before it may take the header away."],
  [11, "Splunk does not take the channel; a proxy before it may change the header."],
  [21, "Splunk does not know the token: check what publish.splunk.token refers to."],
  [22, "Splunk says that the token is disabled: enable it."],
])
/** Not now: internal error, busy, queues full, shutting down, at capacity. */
const BUSY: ReadonlySet<number> = new Set([8, 9, 18, 19, 20, 23, 26, 27])
/** What is wrong with one event. */
const INVALID_EVENT: ReadonlySet<number> = new Set([6, 12, 13, 15])

/**
 * Reads the collector's answer by its table of codes (help.splunk.com, "Troubleshoot HTTP Event Collector", possible error
 * codes; 24 to 27, which came later, as public senders read them: 24 and 25 warn and are sent with a 200). An answer without a code is read by its status.
 *
 * Whether events before an invalid one were kept is not documented: they are sent again, since two are better than none.
 */
export function hecResult(answer: PushAnswer, events: number, nowMs: number): WriteResult {
  if (answer.kind === "trouble") return { kind: "retry", why: answer.why }
  const { code, text, invalidEvent } = readHecAnswer(answer.body)
  const why = `code ${code} ${text}`
  const toPutRight = TO_PUT_RIGHT.get(code ?? -1)
  if (toPutRight !== undefined) return { kind: "retry", why: `${toPutRight} (${why})` }
  if (INVALID_EVENT.has(code ?? -1) && invalidEvent !== undefined && invalidEvent < events)
    return withoutOne(invalidEvent, events, why)
  const result = resultOf(answer, { retryable: (status) => retryable(status, code) }, nowMs)
  return result.kind === "accepted" && (code === 24 || code === 25) ? { ...result, why } : result
}

function retryable(status: number, code: number | undefined): boolean {
  return code === undefined ? status === 429 || status === 408 || status >= 500 : BUSY.has(code)
}

function withoutOne(invalid: number, events: number, why: string): WriteResult {
  const again = new Set(Array.from({ length: events }, (_, at) => at).filter((at) => at !== invalid))
  return { kind: "accepted", rejected: new Map([[invalid, "invalid"]]), again, why }
}

/** Bytes that are no such answer have no code. */
export function readHecAnswer(body: Buffer): HecAnswer {
  const answer = parsed(body)
  const { text } = answer
  return {
    code: whole(answer["code"]),
    text: typeof text === "string" ? bodyLine(Buffer.from(text)).slice(0, 200) : "",
    invalidEvent: whole(answer["invalid-event-number"]),
    ackId: whole(answer["ackId"]) ?? whole(answer["ackID"]),
  }
}

/** Which of the acknowledgements asked for are there: `{"acks":{"0":true,"1":false}}`. */
export function readAcks(body: Buffer): ReadonlySet<number> {
  const { acks } = parsed(body)
  if (typeof acks !== "object" || acks === null) return new Set()
  return new Set(
    Object.entries(acks).flatMap(([id, there]) =>
      there === true && /^\d{1,15}$/.test(id) ? [Number(id)] : [],
    ),
  )
}

function parsed(body: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body.toString("utf8"))
    return typeof value === "object" && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

/** Some versions write numbers as text. */
function whole(value: unknown): number | undefined {
  const number = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : undefined
}

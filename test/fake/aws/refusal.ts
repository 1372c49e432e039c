import type { OutgoingHttpHeaders } from "node:http"

/** How an API writes its bodies and its errors. */
export type Wire = "json-1.0" | "json-1.1" | "rest-json" | "otlp"

export interface Answer {
  readonly status: number
  readonly headers?: OutgoingHttpHeaders
  readonly body: string | Uint8Array
}

export interface RefusalOptions {
  readonly status?: number
  /** Sent as `retry-after`. */
  readonly retryAfterSeconds?: number
  /** Further members of the error's body. */
  readonly members?: Readonly<Record<string, unknown>>
}

/** What the service would not do: thrown by a rule, written in the form of the API that was called. */
export class Refusal extends Error {
  readonly code: string
  readonly status: number
  readonly retryAfterSeconds: number | undefined
  readonly members: Readonly<Record<string, unknown>>
  constructor(code: string, message: string, options: RefusalOptions = {}) {
    super(message)
    this.name = "Refusal"
    this.code = code
    this.status = options.status ?? 400
    this.retryAfterSeconds = options.retryAfterSeconds
    this.members = options.members ?? {}
  }
}

/** CloudWatch's errors carry the code of its older query protocol too (type docs of its client: `awsQueryError`). */
const QUERY_CODES: Record<string, string> = {
  InvalidParameterValueException: "InvalidParameterValue",
  InvalidParameterCombinationException: "InvalidParameterCombination",
  MissingRequiredParameterException: "MissingParameter",
  ThrottlingException: "Throttling",
}

/** The refusal on the wire. `requestType`: the content type that the caller wrote. */
export function refusalAnswer(refusal: Refusal, wire: Wire, requestType: string): Answer {
  const retry =
    refusal.retryAfterSeconds === undefined ? {} : { "retry-after": String(refusal.retryAfterSeconds) }
  if (wire === "otlp") return otlpRefusal(refusal, requestType, retry)
  if (wire === "rest-json") {
    // awslabs.github.io/smithy (aws.protocols#restJson1, operation error serialization)
    const headers = { ...retry, "content-type": "application/json", "x-amzn-errortype": refusal.code }
    const body = JSON.stringify({ Message: refusal.message, ...refusal.members })
    return { status: refusal.status, headers, body }
  }
  const query = `${QUERY_CODES[refusal.code] ?? refusal.code};${refusal.status < 500 ? "Sender" : "Receiver"}`
  const headers = {
    ...retry,
    "content-type": `application/x-amz-${wire}`,
    ...(wire === "json-1.0" ? { "x-amzn-query-error": query } : {}),
  }
  const body = JSON.stringify({ __type: refusal.code, message: refusal.message, ...refusal.members })
  return { status: refusal.status, headers, body }
}

/**
 * opentelemetry.io/docs/specs/otlp (Failures): the body of a 4xx or 5xx is a google.rpc.Status in the request's encoding.
 * That AWS's endpoints do the same is not documented.
 */
function otlpRefusal(refusal: Refusal, requestType: string, retry: OutgoingHttpHeaders): Answer {
  const message = `${refusal.code}: ${refusal.message}`
  if (requestType.startsWith("application/json")) {
    const headers = { ...retry, "content-type": "application/json" }
    return { status: refusal.status, headers, body: JSON.stringify({ message }) }
  }
  const text = Buffer.from(message)
  const length = text.length < 128 ? [text.length] : [(text.length & 127) | 128, text.length >> 7]
  // field 2 of google.rpc.Status, a string
  const body = Buffer.concat([Buffer.from([0x12, ...length]), text])
  return { status: refusal.status, headers: { ...retry, "content-type": "application/x-protobuf" }, body }
}

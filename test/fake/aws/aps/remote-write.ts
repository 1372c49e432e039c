import { uncompress } from "snappyjs"
import { readWriteRequest, type SentSeries } from "../../../fixtures/remote-write/write-request.ts"
import type { Call } from "../operation.ts"
import { type Answer, Refusal } from "../refusal.ts"
import { labelProblem, nameAndValue } from "./labels.ts"
import type { ApsStore } from "./store.ts"

/** prometheus.io/docs/specs/remote_write_spec (Protocol): "The following headers MUST be sent with the HTTP request". */
const HEADERS: Record<string, string> = {
  "content-encoding": "snappy",
  "content-type": "application/x-protobuf",
  "x-prometheus-remote-write-version": "0.1.0",
}
/** From memory of AMP_quotas.html: "samples older than 1 hour are refused from being ingested"; not read again. */
const OLDEST_MS = 3_600_000
/** Guards the test process; the documented limit of a request's size was not found. */
const MAX_INFLATED_BYTES = 64 * 1_048_576

const bad = (message: string): Refusal => new Refusal("ValidationException", message)

/**
 * Remote write 1.0 into a workspace. What is good of a request is kept even when the rest makes it a 400, as in Cortex, which
 * the service is built on; that it does the same is not documented. @throws Refusal
 */
export function remoteWrite(store: ApsStore, call: Call): Answer {
  for (const [name, wanted] of Object.entries(HEADERS)) {
    if (call.headers[name] !== wanted) throw bad(`The header ${name} must be ${wanted}.`)
  }
  if (call.headers["user-agent"] === undefined) throw bad("The header user-agent must be sent.")
  const refused = call.refuse?.first ?? 0
  const problems = read(call).flatMap((series, index) =>
    index < refused ? [call.refuse?.code ?? "refused"] : taken(store, series, call.nowMs - OLDEST_MS),
  )
  if (problems.length > 0) throw bad(problems.slice(0, 5).join("; "))
  // AMP-APIReference-RemoteWrite.html: 200 and no body
  return { status: 200, body: "" }
}

function read(call: Call): readonly SentSeries[] {
  try {
    return readWriteRequest(uncompress(call.body, MAX_INFLATED_BYTES))
  } catch (cause) {
    throw bad(`The body is not a write request: ${String(cause)}`)
  }
}

function taken(store: ApsStore, series: SentSeries, oldestMs: number): string[] {
  const problem = labelProblem(series.labels)
  return problem === undefined
    ? store.take(series, Object.fromEntries(series.labels.map(nameAndValue)), oldestMs)
    : [problem]
}

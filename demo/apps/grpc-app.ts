import {
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2"
import { setTimeout as sleep } from "node:timers/promises"
import { type Arrival, BEHAVIOUR_HEADER, CALL_HEADER } from "../records.ts"
import { behaviourOf } from "./behaviour.ts"
import type { AppPod } from "./protocol.ts"
import { type AppState, nextAttempt } from "./state.ts"

/** A message of two bytes: field 1, varint 1. */
const MESSAGE = Buffer.from([0, 0, 0, 0, 2, 8, 1])

/** Refused before any message, in the headers alone: only so can a proxy try again. */
const UNAVAILABLE = 14

/** Answers each gRPC method with one small message and the planned status. */
export function grpcApp(pod: AppPod, state: AppState): Http2Server {
  const server = createServer()
  server.on("stream", (stream, headers) => void serve(pod, state, stream, headers))
  server.on("sessionError", () => {})
  return server
}

async function serve(
  pod: AppPod,
  state: AppState,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): Promise<void> {
  const call = text(headers[CALL_HEADER])
  const service = text(headers[":authority"]).split(":")[0] ?? ""
  const behaviour = behaviourOf(text(headers[BEHAVIOUR_HEADER]), service, nextAttempt(state, call))
  const gone = new AbortController()
  let how: Arrival["end"]["how"] = "caller_left"
  const status = behaviour.grpcStatus ?? 0
  stream.on("error", () => {})
  stream.resume()
  state.open++
  stream.on("close", () => {
    state.open--
    const code = how === "answered" ? 200 : 0
    state.arrivals.push({
      call,
      node: pod.node,
      protocol: "grpc",
      attempt: Number(text(headers["x-envoy-attempt-count"]) || 0),
      end: { how, code, grpcStatus: how === "answered" ? status : -1 },
    })
    gone.abort()
  })
  const waitMs = (behaviour.delayMs ?? 0) + (state.slowMs.get(pod.node) ?? 0)
  if (waitMs > 0) await sleep(waitMs, undefined, { signal: gone.signal }).catch(() => {})
  if (gone.signal.aborted) return
  if (behaviour.hold === true) {
    state.held(text(headers["x-request-id"]))
    return
  }
  if (state.aborting.has(pod.node)) {
    how = "cut_before"
    stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    return
  }
  const head = { ":status": 200, "content-type": "application/grpc" }
  if (status === UNAVAILABLE) {
    how = "answered"
    stream.respond({ ...head, "grpc-status": String(status) }, { endStream: true })
    return
  }
  stream.respond(head, { waitForTrailers: true })
  stream.on("wantTrailers", () => {
    how = "answered"
    stream.sendTrailers({ "grpc-status": String(status) })
  })
  stream.end(MESSAGE)
}

const text = (value: string | string[] | undefined): string => (typeof value === "string" ? value : "")

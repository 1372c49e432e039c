import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { setTimeout as sleep } from "node:timers/promises"
import { type Arrival, BEHAVIOUR_HEADER, CALL_HEADER } from "../records.ts"
import { type Behaviour, behaviourOf } from "./behaviour.ts"
import { type Outbound, type Passed, passedHeaders } from "./outbound.ts"
import type { Program } from "./programs.ts"
import type { AppPod } from "./protocol.ts"
import { type AppState, nextAttempt } from "./state.ts"

/** Long enough for the begun answer to pass all proxies before the connection breaks. */
const CUT_AFTER_MS = 40

/** An HTTP application. Idle connections stay open for ever, so that no proxy meets one that is just closing. */
export function httpApp(pod: AppPod, state: AppState, program: Program, out: Outbound): Server {
  const server = createServer((request, response) => {
    request.resume()
    void serve(pod, state, program, out, request, response)
  })
  server.keepAliveTimeout = 0
  server.requestTimeout = 0
  server.headersTimeout = 0
  return server
}

async function serve(
  pod: AppPod,
  state: AppState,
  program: Program,
  out: Outbound,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { headers } = request
  const call = text(headers[CALL_HEADER])
  const service = (headers.host ?? "").split(":")[0] ?? ""
  const behaviour = behaviourOf(text(headers[BEHAVIOUR_HEADER]), service, nextAttempt(state, call))
  const gone = new AbortController()
  let cut: "cut_before" | "cut_after" | undefined
  state.open++
  response.on("close", () => {
    state.open--
    const how = response.writableFinished ? "answered" : (cut ?? "caller_left")
    const code = how === "answered" || how === "cut_after" ? response.statusCode : 0
    state.arrivals.push(arrival(pod, call, text(headers["x-envoy-attempt-count"]), how, code))
    gone.abort()
  })
  const passed: Passed = {
    request: text(headers["x-request-id"]),
    userAgent: text(headers["user-agent"]),
    headers: passedHeaders(headers),
    signal: gone.signal,
  }
  await pause((behaviour.delayMs ?? 0) + (state.slowMs.get(pod.node) ?? 0), gone.signal)
  if (gone.signal.aborted) return
  if (behaviour.hold === true) {
    state.held(passed.request)
    return
  }
  const cutting = state.aborting.has(pod.node) ? "before" : behaviour.cut
  if (cutting !== undefined) {
    cut = `cut_${cutting}`
    cutOff(response, cutting)
    return
  }
  await answer(behaviour, program, out, request, response, passed)
}

const text = (value: string | string[] | undefined): string => (typeof value === "string" ? value : "")

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal }).catch(() => {})
}

function arrival(
  pod: AppPod,
  call: string,
  attempt: string,
  how: Arrival["end"]["how"],
  code: number,
): Arrival {
  return {
    call,
    node: pod.node,
    protocol: "http",
    attempt: Number(attempt || 0),
    end: { how, code, grpcStatus: -1 },
  }
}

function cutOff(response: ServerResponse, when: "before" | "after"): void {
  if (when === "before") {
    response.socket?.destroy()
    return
  }
  response.writeHead(200, { "content-length": "5000" })
  response.write("x".repeat(100), () => {
    setTimeout(() => response.socket?.destroy(), CUT_AFTER_MS)
  })
}

async function answer(
  behaviour: Behaviour,
  program: Program,
  out: Outbound,
  request: IncomingMessage,
  response: ServerResponse,
  passed: Passed,
): Promise<void> {
  const path = (request.url ?? "/").split("?")[0] ?? "/"
  const { status, body } =
    behaviour.status === undefined
      ? await program({ method: request.method ?? "GET", path }, out, passed)
      : { status: behaviour.status, body: "as asked" }
  if (passed.signal.aborted) return
  response.writeHead(status, { "content-type": "text/plain", "content-length": Buffer.byteLength(body) })
  response.end(body)
}

import { Agent, request as httpRequest, type IncomingMessage } from "node:http"
import { type ClientHttp2Session, constants, connect as http2Connect } from "node:http2"
import { connect } from "node:net"
import { BEHAVIOUR_HEADER, CALL_HEADER, type CallEnd } from "../records.ts"
import type { AppPod } from "./protocol.ts"
import type { AppState } from "./state.ts"

/** What an application passes on from the request that it serves. */
export interface Passed {
  readonly request: string
  readonly userAgent: string
  /** Headers that the mesh may match, and the behaviour header. */
  readonly headers: Readonly<Record<string, string>>
  /** Aborts when the application's own caller has gone: it then leaves too. */
  readonly signal: AbortSignal
}

export interface OutboundCall {
  readonly protocol: "http" | "grpc"
  readonly service: string
  readonly port: number
  readonly method: string
  readonly path: string
}

/** The calls of one pod, all through its own egress listener. */
export interface Outbound {
  http(call: OutboundCall, passed: Passed): Promise<CallEnd>
  /** Sends a line and reads one; undefined when no answer came. */
  tcp(port: number, line: string): Promise<string | undefined>
  close(): void
}

const FAILED: CallEnd = { how: "failed", code: 0, grpcStatus: -1 }
const LEFT: CallEnd = { how: "left", code: 0, grpcStatus: -1 }

export function makeOutbound(pod: AppPod, state: AppState): Outbound {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const sessions = new Map<number, ClientHttp2Session>()
  return {
    async http(call, passed) {
      const id = `${pod.pod}-${state.nextCall++}`
      const end =
        call.protocol === "grpc"
          ? await grpcCall(session(sessions, pod.egressAddress, call.port), call, passed, id)
          : await httpCall(agent, pod.egressAddress, call, passed, id)
      record(pod, state, call, passed, id, end)
      return end
    },
    tcp: (port, line) => tcpCall(pod, state, port, line),
    close() {
      agent.destroy()
      for (const open of sessions.values()) open.destroy()
    },
  }
}

function record(
  pod: AppPod,
  state: AppState,
  call: OutboundCall,
  passed: Passed,
  id: string,
  end: CallEnd,
): void {
  state.calls.push({
    call: id,
    request: passed.request,
    entry: { kind: "egress", node: pod.node },
    protocol: call.protocol,
    authority: call.service,
    port: call.port,
    method: call.method,
    path: call.path,
    headers: passed.headers,
    userAgent: passed.userAgent,
    end,
  })
}

function outHeaders(call: OutboundCall, passed: Passed, id: string): Record<string, string> {
  return {
    ...passed.headers,
    "x-request-id": passed.request,
    "user-agent": passed.userAgent,
    [CALL_HEADER]: id,
    host: `${call.service}:${call.port}`,
  }
}

function httpCall(
  agent: Agent,
  egress: string,
  call: OutboundCall,
  passed: Passed,
  id: string,
): Promise<CallEnd> {
  return new Promise((resolve) => {
    const outgoing = httpRequest({
      agent,
      host: egress,
      port: call.port,
      method: call.method,
      path: call.path,
      headers: outHeaders(call, passed, id),
    })
    const leave = (): void => {
      resolve(LEFT)
      outgoing.destroy()
    }
    passed.signal.addEventListener("abort", leave)
    outgoing.on("response", (response) => readAnswer(response, resolve))
    outgoing.on("error", () => resolve(FAILED))
    outgoing.on("close", () => passed.signal.removeEventListener("abort", leave))
    if (passed.signal.aborted) leave()
    else outgoing.end()
  })
}

/** Reads an answer to its end. A body that breaks off is `cut`. */
export function readAnswer(response: IncomingMessage, done: (end: CallEnd) => void): void {
  const code = response.statusCode ?? 0
  const cut = (): void => done({ how: "cut", code, grpcStatus: -1 })
  response.on("end", () => (response.complete ? done({ how: "answered", code, grpcStatus: -1 }) : cut()))
  response.on("error", cut)
  response.on("close", cut)
  response.resume()
}

function session(
  sessions: Map<number, ClientHttp2Session>,
  egress: string,
  port: number,
): ClientHttp2Session {
  const known = sessions.get(port)
  if (known !== undefined && !known.closed && !known.destroyed) return known
  const made = http2Connect(`http://${egress}:${port}`)
  // Each call learns of it by its own stream.
  made.on("error", () => {})
  sessions.set(port, made)
  return made
}

/** An empty message: no compression, length 0. */
const EMPTY_MESSAGE = Buffer.alloc(5)

function grpcCall(
  over: ClientHttp2Session,
  call: OutboundCall,
  passed: Passed,
  id: string,
): Promise<CallEnd> {
  return new Promise((resolve) => {
    const { host, ...headers } = outHeaders(call, passed, id)
    const stream = over.request({
      ":method": "POST",
      ":path": call.path,
      ":authority": host ?? "",
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    })
    let code = 0
    let grpcStatus = -1
    const leave = (): void => {
      resolve(LEFT)
      stream.close(constants.NGHTTP2_CANCEL)
    }
    passed.signal.addEventListener("abort", leave)
    stream.on("response", (answer) => {
      code = answer[":status"] ?? 0
      grpcStatus = statusOf(answer["grpc-status"])
    })
    stream.on("trailers", (trailers) => {
      grpcStatus = statusOf(trailers["grpc-status"])
    })
    stream.on("error", () => {})
    stream.on("close", () => {
      passed.signal.removeEventListener("abort", leave)
      const how = grpcStatus >= 0 || stream.rstCode === 0 ? "answered" : code > 0 ? "cut" : "failed"
      resolve({ how: code === 0 ? "failed" : how, code, grpcStatus })
    })
    stream.resume()
    stream.end(EMPTY_MESSAGE)
  })
}

const statusOf = (value: string | string[] | undefined): number =>
  typeof value === "string" ? Number(value) : -1

const TCP_MS = 5000

function tcpCall(pod: AppPod, state: AppState, port: number, line: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const text = `${line}\r\n`
    let answer = ""
    const socket = connect(port, pod.egressAddress, () => socket.write(text))
    socket.setTimeout(TCP_MS, () => socket.destroy())
    socket.on("data", (chunk: Buffer) => {
      answer += chunk.toString("latin1")
      if (answer.endsWith("\n")) socket.end()
    })
    socket.on("error", () => {})
    socket.on("close", () => {
      const answered = answer.endsWith("\n")
      state.tcp.push({ node: pod.node, port, sent: text.length, received: answer.length, answered })
      resolve(answered ? answer.trim() : undefined)
    })
  })
}

/** What tells a callee which trace it is in, by all of Envoy's tracers; `x-request-id` goes beside them. */
const TRACE_HEADERS = [
  "x-amzn-trace-id",
  "traceparent",
  "tracestate",
  "b3",
  "x-b3-traceid",
  "x-b3-spanid",
  "x-b3-parentspanid",
  "x-b3-sampled",
  "x-b3-flags",
]

/** Headers of a served request that its own calls carry on. */
export function passedHeaders(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  const passed: Record<string, string> = {}
  for (const name of [BEHAVIOUR_HEADER, "x-canary", ...TRACE_HEADERS]) {
    const value = headers[name]
    if (typeof value === "string") passed[name] = value
  }
  return passed
}

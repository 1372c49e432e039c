import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2"
import type { Socket } from "node:net"
import { MeshscopeError } from "#mesh/errors.ts"
import type { SocketAddress } from "#mesh/proxy.ts"
import { GrpcFrames } from "./als-frames.ts"
import type { ByteBudget } from "./byte-budget.ts"
import { type HttpIntakeCounters, makeIntakeTally } from "./http-intake-counters.ts"
import { listenOn } from "./http-intake-listen.ts"
import { endHttp2 } from "./http2-end.ts"

const STREAM_ACCESS_LOGS = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs"
/** grpc.io/docs/guides/status-codes */
const STATUS = { ok: 0, invalidArgument: 3, resourceExhausted: 8, unimplemented: 12, internal: 13 } as const
/** A connection is of one worker, which has a stream for each logger. */
const MAX_STREAMS = 64
const HEADER_BYTES = 16_384
const STREAM_WINDOW = 1024 * 1024
const CONNECTION_WINDOW = 4 * 1024 * 1024
/** Who is gone without a word is found by TCP. */
const KEEP_ALIVE_MS = 60_000
const DRAIN_MS = 1000

export interface AlsIntakeConfig {
  readonly listen: SocketAddress
  readonly maxMessageBytes: number
  readonly maxConnections: number
}

/** One stream, from its begin to its end. */
export interface AlsStream {
  /** One whole message, to be read during the call. @throws MeshscopeError INTAKE_MALFORMED, which ends the stream */
  message(bytes: Buffer): void
  ended(): void
}

export interface AlsIntakeDeps {
  /** Of messages that are coming in. */
  readonly budget: ByteBudget
  /** @param peer address of the other side, IPv4 in its own form */
  readonly opened: (peer: string) => AlsStream
  /** Told of an error that nobody expected. */
  readonly failed: (error: unknown) => void
}

/**
 * Envoy's access log service (envoy/service/accesslog/v3/als.proto), without TLS. A stream lives as long as its proxy's
 * worker; what comes is read at once, so that no proxy waits. The protocol has no answer: what a proxy sent while nobody
 * was here is gone.
 */
export class AlsIntake {
  readonly #config: AlsIntakeConfig
  readonly #deps: AlsIntakeDeps
  readonly #server: Http2Server
  readonly #sessions = new Set<ServerHttp2Session>()
  readonly #tally = makeIntakeTally()
  #bytes = 0

  constructor(config: AlsIntakeConfig, deps: AlsIntakeDeps) {
    this.#config = config
    this.#deps = deps
    this.#server = createServer({
      settings: {
        maxConcurrentStreams: MAX_STREAMS,
        maxHeaderListSize: HEADER_BYTES,
        initialWindowSize: STREAM_WINDOW,
      },
    })
    this.#server.maxConnections = config.maxConnections
    this.#server.on("drop", () => this.#tally.droppedConnection())
    this.#server.on("connection", (socket: Socket) => socket.setKeepAlive(true, KEEP_ALIVE_MS))
    this.#server.on("session", (session) => this.#follow(session))
    this.#server.on("sessionError", () => {})
    this.#server.on("stream", (stream, headers) => this.#handle(stream, headers))
  }

  /** @throws MeshscopeError LISTEN_FAILED */
  start(): Promise<string> {
    return listenOn(this.#server, this.#config.listen, "receive.accessLogs.listen")
  }

  /** Of messages. `refused`: calls that are no access logs. `busy`: passed over, since too much was held. */
  counters(): HttpIntakeCounters {
    return this.#tally.counters(this.#bytes)
  }

  /** Ends all streams; what was read until then has been handed over. */
  stop(): Promise<void> {
    return endHttp2(this.#server, this.#sessions, DRAIN_MS)
  }

  #follow(session: ServerHttp2Session): void {
    this.#sessions.add(session)
    session.setLocalWindowSize(CONNECTION_WINDOW)
    session.on("close", () => this.#sessions.delete(session))
    session.on("error", () => {})
  }

  #handle(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    stream.on("error", () => {})
    if (!isAccessLogs(headers)) {
      this.#tally.ended("refused")
      fail(stream, STATUS.unimplemented, "Only AccessLogService/StreamAccessLogs is there.")
      return
    }
    const frames = new GrpcFrames(this.#config.maxMessageBytes, this.#deps.budget)
    const entries = this.#deps.opened(peerOf(stream))
    const consumer = {
      message: (bytes: Buffer): void => {
        entries.message(bytes)
        this.#tally.ended("ok")
      },
      passedOver: (): void => this.#tally.ended("busy"),
    }
    begin(stream)
    stream.on("data", (chunk: Buffer) => {
      this.#bytes += chunk.length
      try {
        // What still comes of a stream that was refused is thrown away.
        if (!stream.writableEnded) frames.push(chunk, consumer)
      } catch (error) {
        frames.end()
        this.#refuse(stream, error)
      }
    })
    stream.on("end", () => finish(stream, STATUS.ok))
    stream.on("close", () => {
      frames.end()
      entries.ended()
    })
  }

  #refuse(stream: ServerHttp2Stream, error: unknown): void {
    if (!(error instanceof MeshscopeError)) {
      this.#tally.ended("failed")
      this.#deps.failed(error)
      finish(stream, STATUS.internal)
    } else {
      const large = error.code === "INTAKE_TOO_LARGE"
      this.#tally.ended(large ? "too_large" : "malformed")
      finish(stream, large ? STATUS.resourceExhausted : STATUS.invalidArgument)
    }
  }
}

function peerOf(stream: ServerHttp2Stream): string {
  return (stream.session?.socket.remoteAddress ?? "").replace(/^::ffff:(?=\d+\.)/, "")
}

function isAccessLogs(headers: IncomingHttpHeaders): boolean {
  const type = headers["content-type"] ?? ""
  const grpc = type === "application/grpc" || type === "application/grpc+proto"
  return grpc && headers[":method"] === "POST" && headers[":path"] === STREAM_ACCESS_LOGS
}

const statuses = new WeakMap<ServerHttp2Stream, number>()

/** Headers go out at once; the answer's end tells the status. */
function begin(stream: ServerHttp2Stream): void {
  stream.on("wantTrailers", () => {
    stream.sendTrailers({ "grpc-status": String(statuses.get(stream) ?? STATUS.ok) })
  })
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true })
}

function finish(stream: ServerHttp2Stream, status: number): void {
  if (stream.closed || stream.destroyed || stream.writableEnded) return
  statuses.set(stream, status)
  stream.end()
}

/** A failed call has trailers only, sent as headers. */
function fail(stream: ServerHttp2Stream, status: number, why: string): void {
  if (stream.closed || stream.destroyed) return
  stream.respond(
    {
      ":status": 200,
      "content-type": "application/grpc",
      "grpc-status": String(status),
      "grpc-message": encodeURI(why),
    },
    { endStream: true },
  )
  stream.close()
}

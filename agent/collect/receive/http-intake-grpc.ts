import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2"
import { MeshscopeError } from "#mesh/errors.ts"
import type { HttpIntakeConfig, IntakeRoute } from "./http-intake.ts"
import { protobufSuccess, type Taken } from "./http-intake-answer.ts"
import { BodyReader, compressionOf, type Packed } from "./http-intake-body.ts"
import { type HttpIntakeCounters, makeIntakeTally } from "./http-intake-counters.ts"
import { listenOn } from "./http-intake-listen.ts"
import { BodyWork, type HttpIntakeDeps } from "./http-intake-work.ts"
import { endHttp2 } from "./http2-end.ts"

const EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
/** grpc.io/docs/guides/status-codes */
const STATUS = {
  ok: 0,
  invalidArgument: 3,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const
const MAX_STREAMS = 16
const HEADER_BYTES = 16_384
const HEAD_BYTES = 5
/**
 * A connection ends after so many time limits, and its client makes a new one: a sender that drips bytes and makes no calls
 * would hold it for ever.
 */
const MAX_AGE = 20
/** Calls under way when it stops get this long. */
const DRAIN_MS = 2000

/**
 * OTLP over gRPC without TLS: one call, `TraceService/Export`, one message each way
 * (github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). Limits as `HttpIntake` has them.
 */
export class GrpcIntake {
  readonly #config: HttpIntakeConfig
  readonly #take: IntakeRoute["take"]
  readonly #failed: HttpIntakeDeps["failed"]
  readonly #work: BodyWork
  readonly #reader: BodyReader
  readonly #server: Http2Server
  /** No more than connections. */
  readonly #sessions = new Set<ServerHttp2Session>()
  readonly #tally = makeIntakeTally()

  constructor(config: HttpIntakeConfig, take: IntakeRoute["take"], deps: HttpIntakeDeps = {}) {
    this.#config = config
    this.#failed = deps.failed
    this.#work = new BodyWork(deps)
    this.#take = take
    this.#reader = new BodyReader(config)
    this.#server = createServer({
      maxSessionMemory: 2,
      unknownProtocolTimeout: config.timeoutMs,
      settings: { maxConcurrentStreams: MAX_STREAMS, maxHeaderListSize: HEADER_BYTES },
    })
    this.#server.maxConnections = config.maxConnections
    this.#server.setTimeout(config.timeoutMs)
    this.#server.on("drop", () => {
      this.#tally.droppedConnection()
    })
    this.#server.on("session", (session) => {
      this.#follow(session)
    })
    this.#server.on("sessionError", () => {})
    this.#server.on("stream", (stream, headers) => void this.#handle(stream, headers))
  }

  /** @throws MeshscopeError LISTEN_FAILED */
  start(): Promise<string> {
    return listenOn(this.#server, this.#config.listen, this.#config.setting)
  }

  counters(): HttpIntakeCounters {
    return this.#tally.counters(this.#work.bytes)
  }

  stop(): Promise<void> {
    return endHttp2(this.#server, this.#sessions, DRAIN_MS)
  }

  #follow(session: ServerHttp2Session): void {
    this.#sessions.add(session)
    const age = setTimeout(() => {
      session.close()
      setTimeout(() => {
        session.destroy()
      }, this.#config.timeoutMs).unref()
    }, this.#config.timeoutMs * MAX_AGE).unref()
    session.on("close", () => {
      clearTimeout(age)
      this.#sessions.delete(session)
    })
    session.on("error", () => {})
    session.on("timeout", () => {
      session.close()
    })
  }

  async #handle(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    stream.on("error", () => {})
    const timer = setTimeout(() => {
      stream.close(8)
    }, this.#config.timeoutMs)
    try {
      if (!isExport(headers)) {
        this.#tally.ended("refused")
        fail(stream, STATUS.unimplemented, "Only TraceService/Export is there.")
        return
      }
      const taken = await this.#read(stream, headers)
      this.#answer(stream, taken)
    } catch (error) {
      this.#refuse(stream, error)
    } finally {
      clearTimeout(timer)
    }
  }

  #read(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<Taken> {
    return this.#reader.read(
      stream,
      Number(headers["content-length"]),
      (whole) => messageOf(whole, headers["grpc-encoding"]),
      (body) => this.#work.take(body, "protobuf", this.#take),
    )
  }

  #answer(stream: ServerHttp2Stream, taken: Taken): void {
    if (taken.kind === "busy") {
      this.#tally.ended("busy")
      fail(stream, STATUS.unavailable, "The agent cannot take more now.")
      return
    }
    this.#tally.ended(taken.rejected === 0 ? "ok" : "partial")
    succeed(stream, protobufSuccess(taken.rejected, taken.why ?? "Some spans were not valid."))
  }

  #refuse(stream: ServerHttp2Stream, error: unknown): void {
    if (!(error instanceof MeshscopeError)) {
      const broken = isOver(stream)
      this.#tally.ended(broken ? "broken" : "failed")
      if (!broken) this.#failed?.(error)
      fail(stream, STATUS.internal, "The agent failed to read the message; its log says why.")
    } else if (error.retryable) {
      this.#tally.ended("busy")
      fail(stream, STATUS.unavailable, error.message)
    } else {
      const large = error.code === "INTAKE_TOO_LARGE"
      this.#tally.ended(large ? "too_large" : "malformed")
      fail(stream, large ? STATUS.resourceExhausted : STATUS.invalidArgument, error.message)
    }
  }
}

/** Ended by the other side, or by our time limit. */
const isOver = (stream: ServerHttp2Stream): boolean => stream.destroyed || stream.closed

function isExport(headers: IncomingHttpHeaders): boolean {
  const type = headers["content-type"] ?? ""
  const grpc = type === "application/grpc" || type === "application/grpc+proto"
  return grpc && headers[":method"] === "POST" && headers[":path"] === EXPORT
}

/** The one message of a unary call: a byte that tells of compression, four of length, the message. */
function messageOf(whole: Buffer, encoding: string | string[] | undefined): Packed {
  if (whole.length < HEAD_BYTES || whole.readUInt32BE(1) !== whole.length - HEAD_BYTES)
    throw new MeshscopeError("INTAKE_MALFORMED", "The call does not hold one whole message.")
  const compression = whole[0] === 0 ? "identity" : compressionOf(String(encoding ?? ""))
  if (compression === undefined)
    throw new MeshscopeError("INTAKE_MALFORMED", "The message is compressed in a way that is not read.")
  return { bytes: whole.subarray(HEAD_BYTES), compression }
}

function succeed(stream: ServerHttp2Stream, message: Uint8Array): void {
  if (isOver(stream)) return
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt32BE(message.length, 1)
  stream.once("wantTrailers", () => {
    stream.sendTrailers({ "grpc-status": String(STATUS.ok) })
  })
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true })
  stream.end(Buffer.concat([head, message]))
}

/** A failed call has trailers only, sent as headers. What still comes of its body is thrown away. */
function fail(stream: ServerHttp2Stream, status: number, why: string): void {
  if (isOver(stream)) return
  const headers = {
    ":status": 200,
    "content-type": "application/grpc",
    "grpc-status": String(status),
    "grpc-message": encodeURI(why),
  }
  stream.respond(headers, { endStream: true })
  stream.close()
}

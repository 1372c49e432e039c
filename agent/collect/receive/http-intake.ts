import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { MeshscopeError } from "#mesh/errors.ts"
import type { SocketAddress } from "#mesh/proxy.ts"
import { type Answer, type AnswerForm, type BodyForm, formOf, type Taken } from "./http-intake-answer.ts"
import { type BodyLimits, BodyReader, compressionOf } from "./http-intake-body.ts"
import { type HttpIntakeCounters, type IntakeResult, makeIntakeTally } from "./http-intake-counters.ts"
import { listenOn } from "./http-intake-listen.ts"
import { BodyWork, type HttpIntakeDeps } from "./http-intake-work.ts"

/** A path that takes bodies by POST. */
export interface IntakeRoute {
  readonly path: string
  readonly answers: AnswerForm
  /**
   * Called once per whole body, inflated; `body` is good until it returns.
   * @throws MeshscopeError INTAKE_MALFORMED, INTAKE_TOO_LARGE when it can never be read: the sender is told so
   */
  readonly take: (body: Buffer, form: BodyForm) => Taken
}

export interface HttpIntakeConfig extends BodyLimits {
  readonly listen: SocketAddress
  /** The key that names `listen`, for the sentence when it cannot be had: `receive.zipkin.listen`. */
  readonly setting: string
  readonly maxConnections: number
  /** From the first byte of a request to its last; also how long a connection may be idle. */
  readonly timeoutMs: number
}

const HEADER_BYTES = 16_384
const HEADERS_TIMEOUT_MS = 10_000
/** Requests under way when it stops get this long. */
const DRAIN_MS = 2000
/**
 * What still comes of a body that was refused is thrown away for so long: a connection that is closed with bytes unread
 * is reset, and the sender would not see our answer.
 */
const LINGER_MS = 1000
const RETRY_AFTER_S = 5

interface Failure {
  readonly status: number
  readonly result: IntakeResult
  readonly why: string
  readonly afterS?: number
}

/**
 * Takes bodies by HTTP/1.1 from senders that nobody vouches for. Headers, bodies, connections and time are bounded, and
 * memory over all of them. It sends no CORS headers, and only takes content types that a page in a browser may not send
 * across origins without asking first.
 */
export class HttpIntake {
  readonly #config: HttpIntakeConfig
  readonly #routes: ReadonlyMap<string, IntakeRoute>
  readonly #failed: HttpIntakeDeps["failed"]
  readonly #work: BodyWork
  readonly #reader: BodyReader
  readonly #server: Server
  readonly #tally = makeIntakeTally()

  constructor(config: HttpIntakeConfig, routes: readonly IntakeRoute[], deps: HttpIntakeDeps = {}) {
    this.#config = config
    this.#failed = deps.failed
    this.#work = new BodyWork(deps)
    this.#routes = new Map(routes.map((route) => [route.path, route]))
    this.#reader = new BodyReader(config)
    this.#server = createServer(
      {
        maxHeaderSize: HEADER_BYTES,
        headersTimeout: Math.min(HEADERS_TIMEOUT_MS, config.timeoutMs),
        requestTimeout: config.timeoutMs,
        keepAliveTimeout: config.timeoutMs,
        connectionsCheckingInterval: Math.min(1000, config.timeoutMs),
      },
      (request, response) => void this.#handle(request, response),
    )
    this.#server.maxConnections = config.maxConnections
    this.#server.on("drop", () => {
      this.#tally.droppedConnection()
    })
  }

  /**
   * Listens. Resolves with the address, with the port that was really taken.
   * @throws MeshscopeError LISTEN_FAILED
   */
  start(): Promise<string> {
    return listenOn(this.#server, this.#config.listen, this.#config.setting)
  }

  counters(): HttpIntakeCounters {
    return this.#tally.counters(this.#work.bytes)
  }

  /** Takes no more connections, lets requests under way end, and then ends all. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeIdleConnections()
    const timer = setTimeout(() => {
      this.#server.closeAllConnections()
    }, DRAIN_MS)
    await closed
    clearTimeout(timer)
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const route = this.#routes.get(pathOf(request))
    const form = formOf(request.headers["content-type"])
    try {
      const refusal = refusalOf(request, route, form)
      if (refusal !== undefined || route === undefined || form === undefined) {
        this.#fail(response, route, form, refusal ?? NO_PATH)
        return
      }
      const compression = compressionOf(request.headers["content-encoding"]) ?? "identity"
      const taken = await this.#reader.read(
        request,
        Number(request.headers["content-length"]),
        (bytes) => ({ bytes, compression }),
        (body) => this.#work.take(body, form, route.take),
      )
      if (taken.kind === "taken") this.#succeed(response, route, form, taken)
      else this.#fail(response, route, form, busy("The agent cannot take more now.", taken.afterS))
    } catch (error) {
      if (error instanceof MeshscopeError) this.#fail(response, route, form, failureOfError(error))
      else if (!request.complete) this.#tally.ended("broken")
      else {
        this.#failed?.(error)
        this.#fail(response, route, form, UNEXPECTED)
      }
    }
  }

  #succeed(
    response: ServerResponse,
    route: IntakeRoute,
    form: BodyForm,
    { rejected, why }: Extract<Taken, { kind: "taken" }>,
  ): void {
    this.#tally.ended(rejected === 0 ? "ok" : "partial")
    send(response, route.answers.success(form, rejected, why ?? "Some spans were not valid."), {})
  }

  /** What is left of the body is thrown away: the connection ends with the answer. */
  #fail(
    response: ServerResponse,
    route: IntakeRoute | undefined,
    form: BodyForm | undefined,
    failure: Failure,
  ): void {
    const { status, result, why, afterS } = failure
    this.#tally.ended(result)
    const answer = route?.answers.failure(status, form, why) ?? plain(status, why)
    send(response, answer, {
      ...(response.req.complete ? {} : { connection: "close" }),
      ...(status === 405 ? { allow: "POST" } : {}),
      ...(afterS === undefined ? {} : { "retry-after": String(afterS) }),
    })
  }
}

const pathOf = (request: IncomingMessage): string => (request.url ?? "").split("?", 1)[0] ?? ""

const NO_PATH: Failure = { status: 404, result: "refused", why: "There is nothing at this address." }

const UNEXPECTED: Failure = {
  status: 500,
  result: "failed",
  why: "The agent failed to read the body; its log says why.",
}

function refusalOf(
  request: IncomingMessage,
  route: IntakeRoute | undefined,
  form: BodyForm | undefined,
): Failure | undefined {
  if (route === undefined) return NO_PATH
  if (request.method !== "POST") return { status: 405, result: "refused", why: "Only POST is taken." }
  if (form === undefined)
    return { status: 415, result: "refused", why: "Send application/json or application/x-protobuf." }
  if (compressionOf(request.headers["content-encoding"]) === undefined)
    return { status: 415, result: "refused", why: "Content-Encoding must be gzip, deflate or absent." }
  return undefined
}

function failureOfError({ code, retryable, message }: MeshscopeError): Failure {
  if (retryable) return busy(message)
  return code === "INTAKE_TOO_LARGE"
    ? { status: 413, result: "too_large", why: message }
    : { status: 400, result: "malformed", why: message }
}

const busy = (why: string, afterS = RETRY_AFTER_S): Failure => ({ status: 503, result: "busy", why, afterS })

const plain = (status: number, why: string): Answer => ({
  status,
  type: "text/plain; charset=utf-8",
  body: Buffer.from(`${why}\n`),
})

function send(response: ServerResponse, answer: Answer, headers: Readonly<Record<string, string>>): void {
  response.writeHead(answer.status, {
    ...headers,
    "content-type": answer.type,
    "content-length": answer.body.length,
    "x-content-type-options": "nosniff",
  })
  const { req: request } = response
  if (request.complete || request.destroyed) {
    response.end(answer.body)
    return
  }
  response.write(answer.body)
  const end = (): void => {
    clearTimeout(timer)
    response.end()
  }
  const timer = setTimeout(end, LINGER_MS)
  request.once("end", end).once("close", end).resume()
}

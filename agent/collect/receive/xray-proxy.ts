import { once } from "node:events"
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http"
import type { SocketAddress } from "#mesh/proxy.ts"
import { listenFailed } from "#mesh/system-reason.ts"

export interface XrayProxyConfig {
  readonly listen: SocketAddress
  /** Further paths that are signed, beside `SAMPLING_PATHS`. */
  readonly paths: readonly string[]
}

/** What X-Ray answered, or why it could not be asked. */
export type ProxiedAnswer =
  | {
      readonly kind: "answer"
      readonly status: number
      readonly headers: IncomingHttpHeaders
      readonly body: Buffer
    }
  | { readonly kind: "trouble"; readonly why: string }

export interface XrayProxyDeps {
  /** Signs the call and makes it. Never rejects; ends soon after `signal` aborts. */
  send(
    path: string,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<ProxiedAnswer>
}

/** Calls by what became of them: `passed` were answered by X-Ray, whatever it said. */
export interface XrayProxyCounters {
  readonly passed: number
  readonly refused: number
  readonly too_large: number
  readonly busy: number
  readonly unavailable: number
  /** The caller went away before it had sent its call. */
  readonly broken: number
}

export interface XrayProxy {
  /** With the port that was really taken. */
  readonly address: SocketAddress
  counters(): XrayProxyCounters
  stop(): Promise<void>
}

/** What clients of the daemon ask it for (docs.aws.amazon.com/xray/latest/api, GetSamplingRules and the two after it). */
const SAMPLING_PATHS = ["/GetSamplingRules", "/SamplingTargets", "/SamplingStatisticSummaries"] as const

const MAX_BODY_BYTES = 256 * 1024
const MAX_CONNECTIONS = 256
const MAX_IN_FLIGHT = 32
const UPSTREAM_MS = 10_000
/** What is passed on of a call. All other headers end here: those of one hop, cookies, and any that are part of a signature. */
const CALL_HEADERS = ["content-type", "accept", "user-agent"] as const
const ANSWER_HEADERS = [
  "content-type",
  "x-amzn-requestid",
  "x-amzn-errortype",
  "x-amzn-trace-id",
  "retry-after",
] as const
const SAFE_VALUE = /^[\t\u0020-\u007E]{0,1024}$/

/**
 * Takes the HTTP calls that clients make to the X-Ray daemon's TCP port, and has them signed for the region's X-Ray.
 *
 * The daemon signs every path. We do not: whoever reaches this port would otherwise read the traces of the whole account
 * (`/Traces`), change sampling rules and remove policies with the agent's role. What is not a sampling call is answered with
 * 403 and a sentence, unless configuration lists it. So is what a browser sends (it has the header `origin`): a page must
 * not reach X-Ray through its reader's machine. Without region, credentials or network the answer is 503 with a sentence, and
 * clients go on by their own rules.
 * @throws MeshscopeError LISTEN_FAILED
 */
export async function startXrayProxy(config: XrayProxyConfig, deps: XrayProxyDeps): Promise<XrayProxy> {
  const proxy = new Proxied(config, deps)
  await proxy.listen(config.listen)
  return proxy
}

class Proxied implements XrayProxy {
  readonly #paths: ReadonlySet<string>
  readonly #deps: XrayProxyDeps
  readonly #server: Server
  readonly #counters = { passed: 0, refused: 0, too_large: 0, busy: 0, unavailable: 0, broken: 0 }
  readonly #stopped = new AbortController()
  #inFlight = 0
  address: SocketAddress

  constructor(config: XrayProxyConfig, deps: XrayProxyDeps) {
    this.#paths = new Set([...SAMPLING_PATHS, ...config.paths])
    this.#deps = deps
    this.address = config.listen
    this.#server = createServer(
      {
        maxHeaderSize: 16_384,
        headersTimeout: 5000,
        requestTimeout: 10_000,
        connectionsCheckingInterval: 2000,
      },
      (request, response) => void this.#serve(request, response),
    )
    this.#server.maxConnections = MAX_CONNECTIONS
  }

  async listen(listen: SocketAddress): Promise<void> {
    this.#server.listen(listen.port, listen.host)
    try {
      await once(this.#server, "listening")
    } catch (cause) {
      throw listenFailed("receive.xray.tcp", listen, cause)
    }
    const taken = this.#server.address()
    if (typeof taken === "object" && taken !== null) this.address = { host: listen.host, port: taken.port }
  }

  counters(): XrayProxyCounters {
    return { ...this.#counters }
  }

  async stop(): Promise<void> {
    if (this.#stopped.signal.aborted) return
    this.#stopped.abort()
    const closed = once(this.#server, "close")
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  /** Never rejects. */
  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on("error", () => undefined)
    const refusal = this.#refusal(request)
    if (refusal !== undefined) {
      this.#counters.refused++
      say(request, response, refusal.status, refusal.why)
      return
    }
    if (this.#inFlight >= MAX_IN_FLIGHT) {
      this.#counters.busy++
      say(request, response, 503, "Too many calls to X-Ray are under way here; ask again later.")
      return
    }
    this.#inFlight++
    try {
      await this.#pass(request, response)
    } finally {
      this.#inFlight--
    }
  }

  #refusal({ method, url = "", headers }: IncomingMessage): { status: number; why: string } | undefined {
    if (headers.origin !== undefined) return { status: 403, why: "X-Ray is not passed on to web pages." }
    if (!this.#paths.has(url))
      return {
        status: 403,
        why: `Only sampling calls are signed here: ${[...SAMPLING_PATHS].join(", ")}. To sign others, list them under receive.xray.paths.`,
      }
    return method === "POST" ? undefined : { status: 405, why: "X-Ray's calls are sent by POST." }
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request)
    if (body === "broken") {
      this.#counters.broken++
      response.destroy()
      return
    }
    if (body === "too_large") {
      this.#counters.too_large++
      say(request, response, 413, `A call may have ${MAX_BODY_BYTES} bytes.`)
      return
    }
    const signal = AbortSignal.any([AbortSignal.timeout(UPSTREAM_MS), this.#stopped.signal])
    const path = request.url ?? ""
    const answer = await this.#deps.send(path, picked(request.headers, CALL_HEADERS), body, signal)
    if (answer.kind === "trouble") {
      this.#counters.unavailable++
      say(request, response, 503, `X-Ray cannot be asked now: ${answer.why}`)
      return
    }
    this.#counters.passed++
    const headers = picked(answer.headers, ANSWER_HEADERS)
    response.writeHead(answer.status, { ...headers, "content-length": answer.body.length }).end(answer.body)
  }
}

/** As X-Ray's own errors look, so that clients show the sentence. What was not read of the call is not waited for. */
function say(request: IncomingMessage, response: ServerResponse, status: number, message: string): void {
  const headers = request.complete ? {} : { connection: "close" }
  response.writeHead(status, { "content-type": "application/json", ...headers })
  response.end(`${JSON.stringify({ message })}\n`)
}

async function bodyOf(request: IncomingMessage): Promise<Buffer | "too_large" | "broken"> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    // Breaking off must leave the connection open for the answer.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      if (!Buffer.isBuffer(chunk)) continue
      bytes += chunk.length
      if (bytes > MAX_BODY_BYTES) return "too_large"
      chunks.push(chunk)
    }
  } catch {
    return "broken"
  }
  return Buffer.concat(chunks)
}

function picked(headers: IncomingHttpHeaders, names: readonly string[]): Record<string, string> {
  const entries = names.map((name) => [name, headers[name]] as const)
  return Object.fromEntries(
    entries.filter(
      (entry): entry is [string, string] => typeof entry[1] === "string" && SAFE_VALUE.test(entry[1]),
    ),
  )
}

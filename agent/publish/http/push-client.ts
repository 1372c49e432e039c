import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from "node:http"
import { Agent as HttpsAgent, request as httpsRequest } from "node:https"
import { noAnswer } from "./no-answer.ts"

export type Headers = Readonly<Record<string, string>>

/** Certificates in PEM, for https: whom to trust, and who we are. */
export interface PushTls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

/** One request as it is about to leave, without its signature. */
export interface PushRequest {
  readonly method: "GET" | "POST"
  readonly url: URL
  /** Names in lower case. `content-length` is added. */
  readonly headers: Headers
  /** Left as it is; it may be sent again. */
  readonly body: Uint8Array
}

/** A request whose address may have to be found first. A rejection is trouble. */
export interface PushOrder extends Omit<PushRequest, "url"> {
  readonly url: URL | (() => Promise<URL>)
}

/** Proves to the receiver who we are, e.g. by SigV4. */
export interface RequestSigner {
  /** All headers to send. What it throws is told as trouble, and the request is tried again later. */
  sign(request: PushRequest): Promise<Headers>
  /** Told of each answer of 400 or more. Trouble when it is about who asks and not about the request: that stays good. */
  refused(status: number, headers: IncomingMessage["headers"], body: Buffer): Trouble | undefined
}

/** Nothing was said about the request: no way there, no time left, no credentials. It is to be tried again. */
export interface Trouble {
  readonly why: string
  readonly afterMs?: number
}

export interface PushConfig {
  /** Asked for before each request: files with tokens are replaced while we run. What it throws is trouble. */
  readonly headers?: (() => Promise<Headers>) | undefined
  /** Asked for before each request, as certificates are replaced too. What it throws is trouble. */
  readonly tls?: (() => Promise<PushTls>) | undefined
  readonly signer?: RequestSigner | undefined
  /** Default 1: what is sent first arrives first. */
  readonly connections?: number
  /** Of an answer, so much is read; the rest is of no use and its connection is let go. Default 64 KiB. */
  readonly maxAnswerBytes?: number
}

export type PushAnswer =
  | {
      readonly kind: "answer"
      readonly status: number
      readonly headers: IncomingMessage["headers"]
      readonly body: Buffer
    }
  | ({ readonly kind: "trouble" } & Trouble)

/** The one way in which sinks speak HTTP: connections are kept, redirects are not followed, nothing is retried. */
export interface PushClient {
  /** Never rejects. The time limit is `signal`. */
  send(order: PushOrder, signal: AbortSignal): Promise<PushAnswer>
  close(): void
}

const MAX_ANSWER_BYTES = 65_536

export function makePushClient(config: PushConfig = {}): PushClient {
  const connections = makeConnections(config.connections ?? 1)
  const attempt = async (order: PushOrder, signal: AbortSignal): Promise<PushAnswer> => {
    const url = order.url instanceof URL ? order.url : await order.url()
    const own = { ...order, url, headers: { ...(await config.headers?.()), ...order.headers } }
    const headers = (await config.signer?.sign(own)) ?? own.headers
    const agent = connections.agentFor(url, (await config.tls?.()) ?? {})
    const response = await answerTo({ ...own, headers }, agent, signal)
    const body = await bodyOf(response, config.maxAnswerBytes ?? MAX_ANSWER_BYTES)
    const status = response.statusCode ?? 0
    const trouble = status >= 400 ? config.signer?.refused(status, response.headers, body) : undefined
    return trouble === undefined
      ? { kind: "answer", status, headers: response.headers, body }
      : { ...trouble, kind: "trouble" }
  }
  return {
    send: (order, signal) =>
      attempt(order, signal).catch((error: unknown) => ({
        kind: "trouble",
        why: signal.aborted ? abortedBy(signal) : noAnswer(error),
      })),
    close: () => connections.close(),
  }
}

/** One pool for http and one for https; the latter begins anew when certificates change. */
function makeConnections(maxSockets: number) {
  const keep = { keepAlive: true, maxSockets }
  const plain = new HttpAgent(keep)
  let secure: { readonly agent: HttpsAgent; readonly tls: PushTls } | undefined
  return {
    agentFor(url: URL, tls: PushTls): HttpAgent {
      if (url.protocol !== "https:") return plain
      if (secure === undefined || !sameTls(secure.tls, tls)) {
        secure?.agent.destroy()
        secure = { agent: new HttpsAgent({ ...keep, ...tls }), tls }
      }
      return secure.agent
    },
    close(): void {
      plain.destroy()
      secure?.agent.destroy()
    },
  }
}

function sameTls(one: PushTls, other: PushTls): boolean {
  return one.ca === other.ca && one.cert === other.cert && one.key === other.key
}

function answerTo(request: PushRequest, agent: HttpAgent, signal: AbortSignal): Promise<IncomingMessage> {
  const { method, url, body } = request
  const length = method === "GET" ? {} : { "content-length": body.length }
  const options = { method, agent, headers: { ...request.headers, ...length }, signal }
  return new Promise((resolve, reject) => {
    const sending: ClientRequest = (url.protocol === "https:" ? httpsRequest : httpRequest)(url, options)
    sending.once("response", resolve)
    sending.on("error", reject)
    sending.end(method === "GET" ? undefined : body)
  })
}

async function bodyOf(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > maxBytes) break
  }
  return Buffer.concat(chunks).subarray(0, maxBytes)
}

function abortedBy(signal: AbortSignal): string {
  const { reason } = signal as { readonly reason: unknown }
  return reason instanceof Error && reason.name === "TimeoutError"
    ? "No answer came in time."
    : "The request was given up."
}

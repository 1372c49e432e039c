import { readFile } from "node:fs/promises"
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http"
import { Agent as HttpsAgent, request as httpsRequest } from "node:https"
import { MeshscopeError } from "#mesh/errors.ts"
import { connectReason, fileUnreadable } from "#mesh/system-reason.ts"
import type { KubeAccess } from "./access.ts"
import type { Answered, Ended, Trouble } from "./answer.ts"
import { type Asked, askedText } from "./asked.ts"
import { bodyOf } from "./body.ts"
import { calledName, refusal } from "./refusal.ts"

/** How long silence may last, and a whole answer, ms. */
export interface Patience {
  /** Until the answer begins. */
  readonly headMs: number
  /** Between two pieces of it. */
  readonly idleMs: number
  /** Until it has ended, however steadily it drips. */
  readonly wholeMs: number
}

/** Requests to one server as one identity. */
export interface Transport {
  /**
   * Never rejects. `path` with its query.
   * @param posted JSON; absent: a GET. Only a review of a token is posted, which changes nothing.
   */
  ask(
    path: string,
    asked: Asked,
    patience: Patience,
    signal: AbortSignal,
    posted?: string,
  ): Promise<Answered | Ended>
  /** What became of an answer that broke off while it was read. */
  broken(error: unknown, asked: Asked): Trouble
}

/** Of an answer that is no 200, so much is read. */
const REFUSAL_BYTES = 64 * 1024
const KEEP_ALIVE = { keepAlive: true, keepAliveMsecs: 15_000 }

interface Tls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

export function makeTransport(access: KubeAccess): Transport {
  const agentFor = makeAgents(access)
  const trouble = (error: unknown, asked: Asked): Trouble => ({
    kind: "trouble",
    error: error instanceof MeshscopeError ? error : unreachable(error, asked, access),
  })
  return {
    async ask(path, asked, patience, signal, posted) {
      try {
        const url = new URL(`${access.server}${path}`)
        const headers: Record<string, string> = { accept: "application/json", ...(await bearer(access)) }
        const agent = agentFor(await readTls(access))
        const response = await answered(url, { headers, agent, signal, posted }, patience)
        if (response.statusCode === (posted === undefined ? 200 : 201)) return { kind: "answer", response }
        const { body } = await bodyOf(response, REFUSAL_BYTES)
        return refusal(response.statusCode ?? 0, response.headers, body, asked, access)
      } catch (error) {
        return trouble(error, asked)
      }
    },
    broken: trouble,
  }
}

/** A new pool when certificates changed. The one before is let go of, with its watches still running. */
function makeAgents({ server, insecure }: KubeAccess): (tls: Tls) => HttpAgent {
  const plain = new HttpAgent(KEEP_ALIVE)
  let secure: { readonly agent: HttpsAgent; readonly tls: Tls } | undefined
  return (tls) => {
    if (server.startsWith("http:")) return plain
    const same =
      secure !== undefined &&
      secure.tls.ca === tls.ca &&
      secure.tls.cert === tls.cert &&
      secure.tls.key === tls.key
    if (secure === undefined || !same)
      secure = {
        agent: new HttpsAgent({ ...KEEP_ALIVE, ...tls, rejectUnauthorized: insecure !== true }),
        tls,
      }
    return secure.agent
  }
}

function answered(
  url: URL,
  request: {
    headers: Record<string, string>
    agent: HttpAgent
    signal: AbortSignal
    posted: string | undefined
  },
  patience: Patience,
): Promise<IncomingMessage> {
  const { posted, ...rest } = request
  const options =
    posted === undefined
      ? rest
      : { ...rest, method: "POST", headers: { ...rest.headers, "content-type": "application/json" } }
  return new Promise((resolve, reject) => {
    let begun = false
    let drop = (error: Error): unknown => sent.destroy(error)
    const failed = (error: Error): void => {
      // The server may close a kept connection in the moment in which we use it; nothing was answered then.
      if (!begun && sent.reusedSocket && "code" in error && error.code === "ECONNRESET")
        resolve(answered(url, request, patience))
      else reject(error)
    }
    const sent = (url.protocol === "https:" ? httpsRequest : httpRequest)(url, options)
    const late = (): void => void drop(Object.assign(new Error("silence"), { code: "ETIMEDOUT" }))
    const end = setTimeout(late, patience.wholeMs)
    sent.setTimeout(patience.headMs, late)
    sent.on("error", failed)
    sent.once("close", () => clearTimeout(end))
    sent.once("response", (response) => {
      begun = true
      drop = (error) => response.destroy(error)
      sent.setTimeout(patience.idleMs, late)
      resolve(response)
    })
    sent.end(posted)
  })
}

/** @throws MeshscopeError FILE_UNREADABLE */
async function bearer({ tokenFile }: KubeAccess): Promise<Record<string, string>> {
  if (tokenFile === undefined) return {}
  const token = (await text("The token of the Kubernetes API", tokenFile)).trim()
  if (/^[\u0021-\u007E]+$/.test(token)) return { authorization: `Bearer ${token}` }
  throw new MeshscopeError("FILE_UNREADABLE", `The file ${tokenFile} holds no token.`, { retryable: true })
}

async function readTls({ server, caFile, certFile, keyFile }: KubeAccess): Promise<Tls> {
  if (server.startsWith("http:")) return {}
  const [ca, cert, key] = await Promise.all([caFile, certFile, keyFile].map(certificate))
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  }
}

async function certificate(file: string | undefined): Promise<string | undefined> {
  return file === undefined ? undefined : text("The certificate of the Kubernetes API", file)
}

async function text(what: string, file: string): Promise<string> {
  try {
    return await readFile(file, "utf8")
  } catch (cause) {
    throw fileUnreadable(what, file, cause, true)
  }
}

function unreachable(cause: unknown, asked: Asked, access: KubeAccess): MeshscopeError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : ""
  const reason = /^(?:CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|ERR_TLS)/.test(code)
    ? `its certificate is not trusted (${code}); check caFile`
    : connectReason(cause)
  const sentence = `${calledName(access)} does not answer to ${askedText(asked)}: ${reason}.`
  return new MeshscopeError("KUBE_UNREACHABLE", sentence, { retryable: true, cause })
}

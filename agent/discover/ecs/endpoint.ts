import { type RequestOptions, request } from "node:http"
import { MeshscopeError } from "#mesh/errors.ts"
import { connectReason } from "#mesh/system-reason.ts"

/** An instance has a few hundred containers, of a few KB each. */
const MOST_BYTES = 16 * 1024 ** 2

/** Who is asked for JSON: over TCP, or over a Unix socket. `name` begins a sentence. */
export interface Endpoint {
  readonly name: string
  /** For a whole answer. */
  readonly timeoutMs: number
  readonly at: { readonly url: string } | { readonly socket: string }
}

/**
 * Asks for one page of JSON; follows no redirect.
 * @param path begins with a slash; put behind the path of the URL
 * @throws MeshscopeError ECS_UNREACHABLE (retryable), ECS_BAD_ANSWER
 */
export async function readJson(endpoint: Endpoint, path: string, signal: AbortSignal): Promise<unknown> {
  const text = await readText(endpoint, path, signal)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new MeshscopeError(
      "ECS_BAD_ANSWER",
      `${endpoint.name} answers ${path} with something else than JSON.`,
      {
        cause,
      },
    )
  }
}

function readText(endpoint: Endpoint, path: string, signal: AbortSignal): Promise<string> {
  const over = AbortSignal.any([signal, AbortSignal.timeout(endpoint.timeoutMs)])
  return new Promise((resolve, reject) => {
    const failed = (cause: Error): void => reject(lost(endpoint, path, signal, over, cause))
    const asked = request({ ...whereTo(endpoint, path), signal: over, agent: false }, (answer) => {
      const pieces: Buffer[] = []
      let bytes = 0
      answer.on("error", failed)
      answer.on("data", (piece: Buffer) => {
        bytes += piece.length
        pieces.push(piece)
        if (bytes <= MOST_BYTES) return
        reject(bad(endpoint, `${path} with more than ${MOST_BYTES} bytes`))
        asked.destroy()
      })
      answer.on("end", () => {
        if (answer.statusCode === 200) resolve(Buffer.concat(pieces).toString())
        else reject(bad(endpoint, `${path} with status ${answer.statusCode}`))
      })
    })
    asked.on("error", failed)
    asked.end()
  })
}

function whereTo({ at }: Endpoint, path: string): RequestOptions {
  if ("socket" in at) return { socketPath: at.socket, path, headers: { host: "localhost" } }
  const url = new URL(at.url)
  const host = url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname
  return { host, port: url.port || 80, path: `${url.pathname === "/" ? "" : url.pathname}${path}` }
}

function lost(
  { name, timeoutMs }: Endpoint,
  path: string,
  signal: AbortSignal,
  over: AbortSignal,
  cause: Error,
): MeshscopeError {
  const late = over.aborted && !signal.aborted
  const why = late ? `no whole answer to ${path} within ${timeoutMs} ms` : connectReason(cause)
  return new MeshscopeError("ECS_UNREACHABLE", `${name} cannot be read: ${why}.`, { retryable: true, cause })
}

function bad({ name }: Endpoint, what: string): MeshscopeError {
  return new MeshscopeError("ECS_BAD_ANSWER", `${name} answers ${what}.`)
}

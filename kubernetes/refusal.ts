import type { IncomingHttpHeaders } from "node:http"
import { MeshscopeError } from "#mesh/errors.ts"
import { isObject, ownMember } from "#mesh/json-object.ts"
import { plainText } from "#mesh/plain-text.ts"
import type { KubeAccess } from "./access.ts"
import type { Ended } from "./answer.ts"
import { type Asked, askedText } from "./asked.ts"

/** The server's own words are cut there. */
const MOST_WORDS = 400
/** A server that asks for more is not waited for longer. */
const MOST_ASKED_MS = 300_000

export const calledName = ({ called, server }: KubeAccess): string =>
  `${called ?? "The Kubernetes API server"} at ${server}`

/** What a status other than 200 means. */
export function refusal(
  status: number,
  headers: IncomingHttpHeaders,
  body: Buffer,
  asked: Asked,
  access: KubeAccess,
): Ended {
  if (status === 410) return { kind: "expired" }
  if (status === 404 && asked.verb !== "get") return { kind: "unknown" }
  const seconds = Number(headers["retry-after"])
  const wait = seconds > 0 ? { afterMs: Math.min(seconds * 1000, MOST_ASKED_MS) } : {}
  const anew = [401, 403, 429, 503].includes(status) ? {} : { anew: true }
  return { kind: "trouble", error: errorOf(status, wordsOf(body), asked, access), ...wait, ...anew }
}

function errorOf(status: number, words: string, asked: Asked, access: KubeAccess): MeshscopeError {
  const name = calledName(access)
  const said = words === "" ? "" : ` It says: ${words}`
  if (status === 401) {
    const proof =
      access.tokenFile === undefined
        ? "No token is configured"
        : `The token in ${access.tokenFile} is not good`
    return new MeshscopeError("KUBE_REFUSED", `${name} does not know who asks (401). ${proof}.${said}`, {
      retryable: true,
    })
  }
  if (status === 403)
    return new MeshscopeError(
      "KUBE_REFUSED",
      `${name} does not let us ${askedText(asked)} (403). ${rightOf(asked)}${said}`,
      { retryable: true },
    )
  const sentence = `${name} answered ${status} to ${askedText(asked)}.${said}`
  return new MeshscopeError("KUBE_BAD_ANSWER", sentence, { retryable: status >= 500 || status === 429 })
}

function rightOf({ verb, what, namespace }: Asked): string {
  if (verb === "get") return "Give our role the right to get it."
  const role = namespace === undefined ? "a ClusterRole" : `a Role in the namespace ${namespace}`
  return `Give our service account ${role} with the verb ${verb} for ${what}.`
}

/** The message of a `Status`, or the text as it is; one line, bounded. */
function wordsOf(body: Buffer): string {
  return oneLine(statusMessage(body) ?? body.toString("utf8", 0, MOST_WORDS))
}

function statusMessage(body: Buffer): string | undefined {
  try {
    const status: unknown = JSON.parse(body.toString())
    const message = isObject(status) ? ownMember(status, "message") : undefined
    return typeof message === "string" ? message : undefined
  } catch {
    return undefined
  }
}

/** Somebody else's words, as the log may show them. */
export const oneLine = (text: string): string =>
  plainText(text.slice(0, MOST_WORDS).replaceAll(/\s+/g, " ").trim())

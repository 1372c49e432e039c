import { MeshscopeError } from "#mesh/errors.ts"
import { isObject, ownMember } from "#mesh/json-object.ts"
import type { Answered, Ended, Trouble } from "./answer.ts"
import { type Asked, askedFor, askedText } from "./asked.ts"
import { bodyOf } from "./body.ts"
import type { KubeObject, KubeResource, WatchScope } from "./contract.ts"
import { kubeObject, versionOf } from "./kube-object.ts"
import type { KubeLimits } from "./limits.ts"
import { scopedPath } from "./resource-path.ts"
import type { Transport } from "./transport.ts"

/** An object as it is kept, with the version that it had when it was read. */
export interface Versioned {
  readonly object: KubeObject
  readonly version: string
}

export interface Listed {
  readonly kind: "listed"
  readonly objects: readonly Versioned[]
  /** From where a watch goes on. */
  readonly version: string
}

/** Objects of one kind in one scope, as both lists and watches ask for them. */
export interface Wanted {
  readonly resource: KubeResource
  readonly scope: WatchScope
}

/**
 * Every object, page by page; each is made small before the next page is asked for. Never rejects.
 * @param cached whether what the server has in its cache will do; it is then one page
 */
export async function list(
  { resource, scope }: Wanted,
  cached: boolean,
  transport: Transport,
  limits: KubeLimits,
  signal: AbortSignal,
): Promise<Listed | Ended> {
  const asked = askedFor("list", resource, scope)
  const objects: Versioned[] = []
  let token = ""
  do {
    const query = { limit: String(limits.page), ...(token === "" ? {} : { continue: token }) }
    const path = scopedPath(resource, scope, cached ? { resourceVersion: "0", ...query } : query)
    const patience = { headMs: limits.answerMs, idleMs: limits.answerMs, wholeMs: limits.pageMs }
    const answer = await transport.ask(path, asked, patience, signal)
    if (answer.kind !== "answer") return answer
    const page = await pageOf(answer, asked, transport, limits)
    if (page.kind !== "page") return page
    for (const object of page.objects)
      objects.push({ version: versionOf(object) ?? "", object: scope.reduce?.(object) ?? object })
    token = page.token
    if (token === "") return { kind: "listed", objects, version: page.version }
  } while (!signal.aborted)
  return { kind: "cut" }
}

interface Page {
  readonly kind: "page"
  readonly objects: readonly KubeObject[]
  readonly token: string
  readonly version: string
}

async function pageOf(
  { response }: Answered,
  asked: Asked,
  transport: Transport,
  { pageBytes }: KubeLimits,
): Promise<Page | Trouble> {
  try {
    const { body, whole } = await bodyOf(response, pageBytes)
    if (!whole) return { ...badAnswer(asked, `it is larger than ${pageBytes} bytes`), tooLarge: true }
    return parsedPage(parsed(body)) ?? badAnswer(asked, "it is no list of objects")
  } catch (error) {
    return transport.broken(error, asked)
  }
}

/** What `JSON.parse` makes of it; undefined: nothing. */
export function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
}

function parsedPage(value: unknown): Page | undefined {
  if (!isObject(value)) return undefined
  const [items, metadata] = [ownMember(value, "items"), ownMember(value, "metadata")]
  // Go writes an empty list as null.
  const all = items === null ? [] : items
  if (!Array.isArray(all) || !isObject(metadata)) return undefined
  const token = ownMember(metadata, "continue") ?? ""
  const objects = all.map(kubeObject)
  const good = objects.filter((object) => object !== undefined)
  const version = versionOf(value)
  if (typeof token !== "string" || version === undefined || good.length < objects.length) return undefined
  return { kind: "page", objects: good, token, version }
}

/** The answer is not what an API server says. */
export function badAnswer(asked: Asked, why: string): Trouble {
  const sentence = `The answer to ${askedText(asked)} cannot be understood: ${why}.`
  return {
    kind: "trouble",
    error: new MeshscopeError("KUBE_BAD_ANSWER", sentence, { retryable: true }),
    anew: true,
  }
}

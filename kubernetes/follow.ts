import { MeshscopeError } from "#mesh/errors.ts"
import { isObject, ownMember } from "#mesh/json-object.ts"
import type { Ended } from "./answer.ts"
import { askedFor, askedText } from "./asked.ts"
import type { KubeObject } from "./contract.ts"
import { JsonLines } from "./json-lines.ts"
import { kubeObject, versionOf } from "./kube-object.ts"
import type { KubeLimits } from "./limits.ts"
import { badAnswer, parsed, type Wanted } from "./list.ts"
import { oneLine } from "./refusal.ts"
import { scopedPath } from "./resource-path.ts"
import type { Transport } from "./transport.ts"

/** What a watch tells while it is open. Synchronous. */
export interface Following {
  opened(): void
  /** An object is there, or is as it is now. */
  set(object: KubeObject, version: string): void
  gone(object: KubeObject): void
  /** Everything up to this version was told. */
  reached(version: string): void
  /** What came together was told. */
  settled(): void
}

export interface FollowDeps {
  readonly transport: Transport
  readonly limits: KubeLimits
  /** 0 to 1. */
  readonly random: () => number
}

/** Watches from a version on, until the watch ends, by whatever reason. Never rejects but by what `following` throws. */
export async function follow(
  wanted: Wanted,
  version: string,
  following: Following,
  { transport, limits, random }: FollowDeps,
  signal: AbortSignal,
): Promise<Ended> {
  const { resource, scope } = wanted
  const asked = askedFor("watch", resource, scope)
  const seconds = Math.ceil(limits.watchSeconds * (1 + random()))
  const path = scopedPath(resource, scope, {
    watch: "1",
    allowWatchBookmarks: "true",
    resourceVersion: version,
    timeoutSeconds: String(seconds),
  })
  const { answerMs: headMs, idleMs } = limits
  // A server that forgets the end that it was given is not waited for much longer.
  const patience = { headMs, idleMs, wholeMs: seconds * 1000 + idleMs }
  const answer = await transport.ask(path, asked, patience, signal)
  if (answer.kind !== "answer") return answer
  following.opened()
  const lines = new JsonLines(limits.eventBytes)
  let ended: Ended | undefined
  const take = (line: Buffer): boolean => {
    ended = eventOf(line, wanted, following)
    return ended === undefined
  }
  for await (const chunk of piecesOf(answer.response)) {
    if (!lines.push(chunk, take))
      ended ??= badAnswer(asked, `an event is larger than ${limits.eventBytes} bytes`)
    following.settled()
    if (ended !== undefined) return ended
  }
  // What is only half there when the connection ends will be told again.
  return answer.response.complete && lines.pending === 0 ? { kind: "over" } : { kind: "cut" }
}

/** Ends where the connection breaks, as where it ends in order. */
async function* piecesOf(response: AsyncIterable<unknown>): AsyncGenerator<Buffer> {
  const pieces = response[Symbol.asyncIterator]()
  try {
    for (;;) {
      const { done, value } = await pieces.next().catch(() => ({ done: true, value: undefined }))
      if (done === true) return
      if (Buffer.isBuffer(value)) yield value
    }
  } finally {
    await pieces.return?.()
  }
}

/** Takes one event. @returns why it was the last one, if so */
function eventOf(line: Buffer, { resource, scope }: Wanted, following: Following): Ended | undefined {
  const asked = askedFor("watch", resource, scope)
  const event = parsed(line)
  if (!isObject(event)) return badAnswer(asked, "an event is no JSON object")
  const [type, given] = [ownMember(event, "type"), ownMember(event, "object")]
  if (type === "ERROR") return errorEvent(given, askedText(asked))
  const version = versionOf(given)
  if (version === undefined) return badAnswer(asked, "an event has no version")
  if (type !== "BOOKMARK") {
    const object = kubeObject(given)
    if (object === undefined) return badAnswer(asked, "an event has no object")
    if (type === "ADDED" || type === "MODIFIED") following.set(scope.reduce?.(object) ?? object, version)
    else if (type === "DELETED") following.gone(object)
    else return badAnswer(asked, "an event is of no known type")
  }
  following.reached(version)
  return undefined
}

function errorEvent(status: unknown, asked: string): Ended {
  const [code, message] = isObject(status) ? [ownMember(status, "code"), ownMember(status, "message")] : []
  if (code === 410) return { kind: "expired" }
  const words = oneLine(typeof message === "string" ? message : "no reason given")
  const sentence = `The Kubernetes API server ended what it was asked to ${asked}: ${words}`
  return {
    kind: "trouble",
    error: new MeshscopeError("KUBE_BAD_ANSWER", sentence, { retryable: true }),
    anew: true,
  }
}

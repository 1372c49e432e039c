import { MeshscopeError } from "#mesh/errors.ts"
import { isObject, ownMember } from "#mesh/json-object.ts"
import type { KubeAccess } from "./access.ts"
import type { Asked } from "./asked.ts"
import { bodyOf } from "./body.ts"
import { badAnswer, parsed } from "./list.ts"
import { calledName } from "./refusal.ts"
import type { Transport } from "./transport.ts"

const PATIENCE_MS = 10_000
const MOST_BYTES = 256 * 1024

/** A question to the API server that it answers in the `status` of what was posted: `TokenReview` and its like. */
export interface Review {
  readonly path: string
  readonly asked: Asked
  readonly body: object
}

/**
 * The answer's `status`. Nothing is kept by the server: reviews are the only objects that are ever posted.
 * @throws MeshscopeError KUBE_UNREACHABLE, KUBE_REFUSED, KUBE_BAD_ANSWER
 */
export async function reviewStatus(
  { path, asked, body }: Review,
  transport: Transport,
  access: KubeAccess,
  signal: AbortSignal,
): Promise<object> {
  const patience = { headMs: PATIENCE_MS, idleMs: PATIENCE_MS, wholeMs: PATIENCE_MS }
  const answer = await transport.ask(path, asked, patience, signal, JSON.stringify(body))
  if (answer.kind === "trouble") throw answer.error
  if (answer.kind !== "answer")
    throw new MeshscopeError("KUBE_BAD_ANSWER", `${calledName(access)} knows no ${asked.what}.`)
  const read = await bodyOf(answer.response, MOST_BYTES).catch((error: unknown) => {
    throw transport.broken(error, asked).error
  })
  const status = read.whole ? member(parsed(read.body), "status") : undefined
  if (!isObject(status)) throw badAnswer(asked, "it holds no status").error
  return status
}

export function member(from: unknown, key: string): unknown {
  return isObject(from) ? ownMember(from, key) : undefined
}

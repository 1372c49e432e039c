import type { Clock } from "#mesh/clock.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import type { KubeAccess } from "./access.ts"
import type { Asked } from "./asked.ts"
import { bodyOf } from "./body.ts"
import type { KubeApi } from "./contract.ts"
import { KUBE_LIMITS, type KubeLimits } from "./limits.ts"
import { badAnswer, parsed } from "./list.ts"
import { ObjectWatch } from "./object-watch.ts"
import { calledName } from "./refusal.ts"
import { makeTransport, type Transport } from "./transport.ts"

export interface KubeApiDeps {
  readonly clock: Clock
  /** 0 to 1, for jitter. */
  readonly random: () => number
}

/** An API server as one identity sees it; connections are made when they are needed. */
export function makeKubeApi(
  access: KubeAccess,
  { clock, random }: KubeApiDeps,
  limits: Partial<KubeLimits> = {},
): KubeApi {
  const transport = makeTransport(access)
  const all: KubeLimits = { ...KUBE_LIMITS, ...limits }
  const deps = { clock, random, transport, limits: all }
  return {
    watch: (resource, scope, listener, signal) =>
      new ObjectWatch({ resource, scope }, listener, deps).run(signal),
    read: (path, signal) => read(path, signal, transport, access, all),
  }
}

async function read(
  path: string,
  signal: AbortSignal,
  transport: Transport,
  access: KubeAccess,
  { answerMs, pageMs, pageBytes }: KubeLimits,
): Promise<unknown> {
  const asked: Asked = { verb: "get", what: path.replace(/\?.*/s, "") }
  const patience = { headMs: answerMs, idleMs: answerMs, wholeMs: pageMs }
  const answer = await transport.ask(path, asked, patience, signal)
  if (answer.kind === "trouble") throw answer.error
  if (answer.kind !== "answer")
    throw new MeshscopeError("KUBE_BAD_ANSWER", `${calledName(access)} does not know ${asked.what} any more.`)
  let bytes: { readonly body: Buffer; readonly whole: boolean }
  try {
    bytes = await bodyOf(answer.response, pageBytes)
  } catch (error) {
    throw transport.broken(error, asked).error
  }
  if (!bytes.whole) throw badAnswer(asked, `it is larger than ${pageBytes} bytes`).error
  const value = parsed(bytes.body)
  if (value === undefined) throw badAnswer(asked, "it is no JSON").error
  return value
}

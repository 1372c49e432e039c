import type { ProxyIdentity } from "./proxy.ts"

/**
 * What may happen to a proxy beside its requests. `proxy_found`: discovery has it from now on (at the start of an agent: all
 * of them). `proxy_gone`: discovery has it no more. `proxy_silent`: its stats could not be read. `proxy_answers`: they can be
 * again, or for the first time. `configuration_changed`: it runs by another configuration than before.
 */
export const MESH_EVENTS = [
  "proxy_found",
  "proxy_gone",
  "proxy_silent",
  "proxy_answers",
  "configuration_changed",
] as const
export type MeshEventKind = (typeof MESH_EVENTS)[number]

export interface MeshEvent {
  readonly kind: MeshEventKind
  /** ms since the epoch. */
  readonly timeMs: number
  /** Discovery's name of the target. */
  readonly proxy: string
  /** Undefined until it is known. */
  readonly identity: ProxyIdentity | undefined
  /** A sentence, where there is a reason; empty otherwise. */
  readonly why: string
}

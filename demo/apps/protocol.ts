import type { PortMapping } from "#mesh/declared.ts"
import type { Records } from "../records.ts"

/** One pod's application. */
export interface AppPod {
  readonly pod: string
  readonly node: string
  readonly appAddress: string
  readonly egressAddress: string
  readonly listeners: readonly PortMapping[]
  readonly backends: readonly Backend[]
}

/** A virtual service that the node may call, on one port. */
export interface Backend {
  readonly service: string
  readonly port: number
  readonly protocol: "http" | "http2" | "grpc" | "tcp"
}

/** From the fleet to the process of the applications. Each is answered by `done` with its number. */
export type Command =
  | { readonly kind: "start"; readonly pods: readonly AppPod[] }
  /** Closes the listeners and connections of a pod's application. */
  | { readonly kind: "down"; readonly pod: string }
  | { readonly kind: "up"; readonly pod: string }
  /** Adds a delay to each answer of a node; 0 ends it. */
  | { readonly kind: "slow"; readonly node: string; readonly delayMs: number }
  /** The node's application closes connections instead of answering. */
  | { readonly kind: "abort"; readonly node: string; readonly on: boolean }
  /** Waits until no request is open, then sends what is recorded. */
  | { readonly kind: "flush" }
export interface Order {
  readonly number: number
  readonly command: Command
}

export type Report =
  | { readonly kind: "done"; readonly number: number; readonly problem?: string }
  | { readonly kind: "records"; readonly records: Records }
  /** An application holds a request (by `x-request-id`) until its caller has gone. */
  | { readonly kind: "held"; readonly request: string }

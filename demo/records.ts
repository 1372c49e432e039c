/** What the generator and the applications write down about each call: the raw material of the truth. */

/** Where a call enters the mesh. */
export type Entry =
  | { readonly kind: "gateway"; readonly gateway: string }
  /** Through the caller's own egress listener. */
  | { readonly kind: "egress"; readonly node: string }
  /** Straight to a pod's ingress, as a health checker does. */
  | { readonly kind: "ingress"; readonly node: string }

/** `cut`: ended after the answer had begun. `left`: the caller itself broke it off. `failed`: no answer at all. */
export interface CallEnd {
  readonly how: "answered" | "cut" | "left" | "failed"
  /** HTTP status, 0 when none came. */
  readonly code: number
  /** -1 when none came. */
  readonly grpcStatus: number
}

/** One logical call as its caller saw it. Retries by a proxy in between are the same call. */
export interface Call {
  /** Unique; travels in the header `x-demo-call`. */
  readonly call: string
  /** `x-request-id`, shared by all calls that one planned request leads to. */
  readonly request: string
  readonly entry: Entry
  readonly protocol: "http" | "grpc"
  /** Host without port. */
  readonly authority: string
  readonly port: number
  readonly method: string
  readonly path: string
  /** Lower-case names; only what routes may match. */
  readonly headers: Readonly<Record<string, string>>
  readonly userAgent: string
  readonly end: CallEnd
}

/** One attempt of a call as the application saw it. */
export interface Arrival {
  readonly call: string
  readonly node: string
  readonly protocol: "http" | "grpc"
  /** `x-envoy-attempt-count`, 0 when the mesh does not tell. */
  readonly attempt: number
  readonly end: {
    /** `cut_before`, `cut_after`: the application closed the connection before or after its headers. */
    readonly how: "answered" | "cut_before" | "cut_after" | "caller_left"
    readonly code: number
    readonly grpcStatus: number
  }
}

/** One TCP connection through the caller's egress. */
export interface TcpCall {
  readonly node: string
  readonly port: number
  /** Bytes that the caller sent and got. */
  readonly sent: number
  readonly received: number
  /** Whether the answer came. */
  readonly answered: boolean
}

export interface Records {
  readonly calls: readonly Call[]
  readonly arrivals: readonly Arrival[]
  readonly tcp: readonly TcpCall[]
}

/** Headers that tie the records together; they travel through the mesh like any other. */
export const CALL_HEADER = "x-demo-call"
export const BEHAVIOUR_HEADER = "x-demo-behaviour"

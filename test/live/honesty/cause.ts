import type { JsonObject } from "../../../demo/control-plane/json.ts"
import type { AnsweredBy, Outcome } from "../../../mesh/outcome.ts"
import type { Caller } from "./caller.ts"

/** How a cause has to stand in `mesh_requests_total` and `mesh_request_failures_total`. */
export interface Ours {
  readonly reporter: "source" | "destination"
  /** Empty: the label is left out. */
  readonly service: string
  readonly router: string
  readonly route: string
  readonly node: string
  readonly protocol: "http" | "http2"
  readonly outcome: Outcome
  /** Empty for `ok`, which no failure row tells of. */
  readonly flag: string
  readonly answeredBy: AnsweredBy | ""
}

/** How a connection has to stand in `mesh_tcp_connections_closed_total`. */
export interface OursTcp {
  readonly service: string
  readonly node: string
  readonly outcome: Outcome
}

/** What Envoy's own access line says. */
export interface Seen {
  readonly code: number
  readonly flags: string
  readonly details: string
}

/** Something done beside the one request of a cause. @returns how many access lines it makes */
export type Step = (caller: Caller) => Promise<number>

interface Common {
  /** In words, for the page. */
  readonly cause: string
  /** One request or connection. */
  readonly provoke: (caller: Caller) => Promise<unknown>
  readonly before?: Step
  readonly after?: Step
  readonly seen: Seen
}

/** A cause on a declared HTTP route of its own; `route` is its name, and `/<route>/` its prefix. */
export interface HttpCause extends Common {
  readonly route?: LabRoute
  readonly ours: Ours
}

export interface TcpCause extends Common {
  readonly tcp: LabTcp
  readonly oursTcp: OursTcp
}

export type Cause = HttpCause | TcpCause

/** One route of the lab's router: declared with this name, in Envoy without any. */
export interface LabRoute {
  readonly name: string
  /** Virtual node that it leads to. */
  readonly node: string
  /** Of Envoy's RouteAction, beside the cluster. */
  readonly action?: JsonObject
  /** Of Envoy's Route; with `direct_response` or `redirect` there is no action. */
  readonly more?: JsonObject
  /** `typed_per_filter_config`. */
  readonly filters?: JsonObject
}

/** One TCP service: a port of the egress listener, and the node behind it. */
export interface LabTcp {
  readonly service: string
  readonly node: string
  readonly port: number
  /** Of Envoy's TcpProxy, beside the cluster. */
  readonly more?: JsonObject
  /** No filter chain takes its connections; the listener logs them. */
  readonly chainless?: boolean
}

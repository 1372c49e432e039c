import type { AccessFact } from "#mesh/access.ts"
import type { MeshEvent } from "#mesh/mesh-event.ts"
import type { ProxyIdentity } from "#mesh/proxy.ts"
import type { Resolution } from "#mesh/request.ts"
import type { Span } from "#mesh/span.ts"

/** One thing to deliver, in the form that its sink made of it: a log event, a segment document, an encoded request. */
export interface QueueRecord {
  /** What the records of one request must have in common, e.g. a log group or a trace; empty where nothing must. */
  readonly key: string
  /** When what it tells happened, ms since the epoch. */
  readonly timeMs: number
  /** How many things it stands for: lines, spans, points. Everything is counted in these. */
  readonly count: number
  readonly payload: Uint8Array
  /** It waited already before the last restart, so it may have been sent, and the answer forgotten. Absent: it did not. */
  readonly again?: boolean
}

/** Where a producer puts records. Never blocks and never fails: what does not fit is dropped by policy and counted. */
export interface Outbox {
  /** `payload` is copied. What is put in is committed with the ledger, and sent only after that. */
  append(key: string, timeMs: number, payload: Uint8Array, count?: number): void
}

/** What a sink makes of waiting records. Each index is in one request or in `refused`, once. */
export interface Split<Body> {
  readonly requests: readonly SinkRequest<Body>[]
  /** Records that can never be sent, with a word of ours for why: `too_old`, `too_large`, `invalid`. */
  readonly refused: ReadonlyMap<number, string>
}
export interface SinkRequest<Body> {
  /** Indexes into what was split. */
  readonly records: readonly number[]
  readonly body: Body
}

/** What a receiver said to one request. Positions count from 0 in the request's `records`. */
export type WriteResult =
  /** Taken, but for some records. `why` tells of the last that was not taken. */
  | {
      readonly kind: "accepted"
      /** Refused for good, with a word of ours for why. */
      readonly rejected?: ReadonlyMap<number, string>
      /** Refused for good, where the receiver tells only how many. */
      readonly rejectedCount?: number
      /** Not now: to be sent again. */
      readonly again?: ReadonlySet<number>
      readonly why?: string
    }
  /** Not now. `afterMs`: when the receiver asks to be tried again. */
  | { readonly kind: "retry"; readonly why: string; readonly afterMs?: number }
  /** Never: all records are dropped, counted by `reason`, a word of ours. */
  | { readonly kind: "rejected"; readonly reason: string; readonly why: string }

/**
 * Where records go. Writing the same request twice does no more harm than the protocol makes unavoidable. A sink knows its
 * protocol and nothing of queues, retries, time limits and budgets: those are wrapped around it (`delivery/`).
 */
export interface Sink<Body, Item extends QueueRecord = QueueRecord> {
  /** Called once, before the first write. Must not need network, names or credentials: those may come later. */
  start(): Promise<void>
  /** Cuts waiting records, oldest first, into requests within the protocol's limits. Pure. */
  split(records: readonly Item[], nowMs: number): Split<Body>
  /** Never rejects for what the network or the receiver does: that is a result. Ends soon after `signal` aborts. */
  write(body: Body, signal: AbortSignal): Promise<WriteResult>
  /** Called once, after the last write. */
  stop(): Promise<void>
}

/** Told of each access line after it was counted. Must not throw; what it is given is a view, good until it returns. */
export interface LineConsumer {
  line(fact: AccessFact, resolution: Resolution, proxy: ProxyIdentity): void
}

/** Told of what happens to proxies. Must not throw. */
export interface EventConsumer {
  event(event: MeshEvent): void
}

/** Told of each span, resolved. Must not throw. */
export interface SpanConsumer {
  span(span: Span): void
}

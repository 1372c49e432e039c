/** What a receiver said to one batch. */
export type WriteResult =
  /** Taken. `rejected` records of it were refused for good, `why` tells. */
  | { readonly kind: "accepted"; readonly rejected: number; readonly why?: string }
  /** Not now. `afterMs`: when the receiver asks to be tried again. */
  | { readonly kind: "retry"; readonly why: string; readonly afterMs?: number }
  /** Never: the whole batch is dropped and counted. */
  | { readonly kind: "rejected"; readonly why: string }

/** Something to deliver. `bytes` is what it holds of the queue's budget, `records` what is counted. */
export interface Batch {
  readonly bytes: number
  readonly records: number
}

/**
 * Where batches go. Writing the same batch twice does no more than once. A sink knows its protocol and nothing of
 * queues, retries, time limits and budgets: those are wrapped around it (`delivery/`).
 */
export interface Sink<B extends Batch> {
  /** Called once, before the first write. */
  start(): Promise<void>
  /** Never rejects for what the network or the receiver does: that is a result. Ends soon after `signal` aborts. */
  write(batch: B, signal: AbortSignal): Promise<WriteResult>
  /** Called once, after the last write. */
  stop(): Promise<void>
}

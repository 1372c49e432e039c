import type { Batch } from "../contract.ts"

/** First in, first out, within a budget. A batch that does not fit pushes out the oldest ones. */
export interface BatchQueue<B extends Batch> {
  readonly bytes: number
  readonly length: number
  readonly records: number
  /** Answers what had to leave: older batches, or the new one when it is larger than the whole budget. */
  push(batch: B): B[]
  /** Puts back a batch that was taken; it is the oldest again. */
  putBack(batch: B): B[]
  take(): B | undefined
}

export function makeBatchQueue<B extends Batch>(budget: {
  readonly bytes: number
  readonly batches: number
}): BatchQueue<B> {
  const waiting: B[] = []
  let bytes = 0
  let records = 0
  const add = (batch: B, first: boolean): void => {
    if (first) waiting.unshift(batch)
    else waiting.push(batch)
    bytes += batch.bytes
    records += batch.records
  }
  const take = (): B | undefined => {
    const batch = waiting.shift()
    bytes -= batch?.bytes ?? 0
    records -= batch?.records ?? 0
    return batch
  }
  const trim = (): B[] => {
    const dropped: B[] = []
    while (bytes > budget.bytes || waiting.length > budget.batches) {
      const oldest = take()
      if (oldest !== undefined) dropped.push(oldest)
    }
    return dropped
  }
  return {
    get bytes() {
      return bytes
    },
    get records() {
      return records
    },
    get length() {
      return waiting.length
    },
    push(batch) {
      if (batch.bytes > budget.bytes) return [batch]
      add(batch, false)
      return trim()
    },
    putBack(batch) {
      add(batch, true)
      return trim()
    },
    take,
  }
}

import type { QueueRecord } from "../contract.ts"
import { countDrop, type DropCounts } from "./drop-counts.ts"
import type { Held, QueueCounters, RecordQueue } from "./record-queue.ts"

export interface MemoryQueueConfig {
  readonly maxBytes: number
  readonly maxRecords: number
}

/**
 * For what need not outlive the process, since it is a state and not a list of events. First in, first out; a record that
 * does not fit pushes out the oldest ones, also those that are under way.
 */
export interface MemoryQueue<Item extends QueueRecord> extends RecordQueue<Item> {
  /** Takes over a record. Never blocks and never fails. */
  offer(item: Item): void
}

interface Slot<Item extends QueueRecord> extends Held<Item> {
  gone: boolean
}

/** @param dropped told of each record that will not arrive whole, and why */
export function makeMemoryQueue<Item extends QueueRecord>(
  config: MemoryQueueConfig,
  dropped: (item: Item, reason: string) => void = () => undefined,
): MemoryQueue<Item> {
  /** All that is held, oldest first; the first `taken` of them are out. */
  const slots: Slot<Item>[] = []
  const drops: DropCounts = new Map()
  let taken = 0
  let offered = 0
  let delivered = 0
  let held = 0
  let heldBytes = 0
  let closed = false
  let ready: (() => void) | undefined
  const remove = (at: number): void => {
    const [slot] = slots.splice(at, 1)
    if (slot === undefined) return
    slot.gone = true
    held -= slot.item.count
    heldBytes -= slot.bytes
    if (at < taken) taken--
  }
  const drop = (item: Item, things: number, reason: string): void => {
    countDrop(drops, reason, things)
    dropped(item, reason)
  }
  const pushOut = (slot: Slot<Item>, reason: string): void => {
    remove(0)
    drop(slot.item, slot.item.count, reason)
  }
  return {
    offer(item) {
      const bytes = item.payload.length
      offered += item.count
      if (closed || bytes > config.maxBytes) {
        drop(item, item.count, closed ? "shutdown" : "overflow")
        return
      }
      slots.push({ item, bytes, gone: false })
      held += item.count
      heldBytes += bytes
      for (
        let [oldest] = slots;
        oldest !== undefined && (heldBytes > config.maxBytes || slots.length > config.maxRecords);
        [oldest] = slots
      )
        pushOut(oldest, "overflow")
      ready?.()
    },
    take(limit) {
      const out: Slot<Item>[] = []
      let bytes = 0
      for (let slot = slots[taken]; slot !== undefined && out.length < limit.records; slot = slots[taken]) {
        if (out.length > 0 && bytes + slot.bytes > limit.bytes) break
        out.push(slot)
        bytes += slot.bytes
        taken++
      }
      return Promise.resolve(out)
    },
    settle(record, arrived, reason = "rejected") {
      const at = record.gone ? -1 : slots.findIndex((slot) => slot === record)
      if (at < 0) return
      remove(at)
      const whole = Math.min(Math.max(0, arrived), record.item.count)
      delivered += whole
      if (whole < record.item.count) drop(record.item, record.item.count - whole, reason)
    },
    get waiting() {
      return taken < slots.length
    },
    listen(listener) {
      ready = listener
    },
    close() {
      closed = true
      for (let [oldest] = slots; oldest !== undefined; [oldest] = slots) pushOut(oldest, "shutdown")
    },
    get counters(): QueueCounters {
      const oldestMs = slots[0]?.item.timeMs
      return { offered, delivered, dropped: drops, held, heldRecords: slots.length, heldBytes, oldestMs }
    },
  }
}

import { HecRefusal } from "./hec-codes.ts"
import { type FakeEvent, hecEvents } from "./hec-events.ts"

export interface HecIndexOptions {
  readonly useAck: boolean
  readonly keepsBefore: boolean
}

/** Where events end, with what is on its way there and what was acknowledged. */
export interface HecIndex {
  readonly events: readonly FakeEvent[]
  readonly names: Set<string>
  /** Takes stacked events. Answers what the answer says beside success. @throws HecRefusal */
  take(text: string, channel: string): Record<string, unknown>
  /** Answers which acknowledgements are there. @throws HecRefusal */
  acknowledged(text: string, channel: string): Record<string, unknown>
  index(what: "keep" | "lose"): void
}

interface Pending {
  readonly channel: string
  readonly id: number
  readonly events: readonly FakeEvent[]
}

/** "About HTTP Event Collector Indexer Acknowledgment". */
export function makeHecIndex({ useAck, keepsBefore }: HecIndexOptions): HecIndex {
  const events: FakeEvent[] = []
  const names = new Set(["main"])
  let pending: Pending[] = []
  const indexed = new Map<string, Set<number>>()
  const ids = new Map<string, number>()
  return {
    events,
    names,
    take(text, channel) {
      const taken: FakeEvent[] = []
      try {
        for (const event of hecEvents(text, names)) taken.push(event)
      } catch (error) {
        if (keepsBefore) events.push(...taken)
        throw error
      }
      if (!useAck) {
        events.push(...taken)
        return {}
      }
      // Ids count up from 0 in each channel.
      const ackId = ids.get(channel) ?? 0
      ids.set(channel, ackId + 1)
      pending.push({ channel, id: ackId, events: taken })
      return { ackId }
    },
    acknowledged(text, channel) {
      if (!useAck) throw new HecRefusal("ackDisabled")
      const asked = (JSON.parse(text) as { acks: number[] }).acks
      // A status that was told as true is deleted.
      const acks = asked.map((id) => [String(id), indexed.get(channel)?.delete(id) === true])
      return { acks: Object.fromEntries(acks) }
    },
    index(what) {
      for (const one of pending) {
        if (what === "lose") continue
        events.push(...one.events)
        const told = indexed.get(one.channel) ?? new Set()
        indexed.set(one.channel, told.add(one.id))
      }
      pending = []
    },
  }
}

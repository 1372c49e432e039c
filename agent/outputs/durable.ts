import type { Outbox, Sink } from "../publish/contract.ts"
import {
  DEFAULT_DELIVERY,
  Delivery,
  type DeliveryConfig,
  type DeliveryCounters,
} from "../publish/delivery/delivery.ts"
import { openQueue } from "../publish/queue/open-queue.ts"
import type { Output, OutputDeps } from "./output.ts"
import { makeOutputTrouble } from "./trouble.ts"

export interface DurableConfig<Body> {
  readonly name: string
  /** What is sent, to begin a sentence: `Spans`. */
  readonly what: string
  /** Where it goes, as a user knows it. */
  readonly target: string
  /** @param counters of the delivery, for sinks that tell their receiver of them */
  readonly sink: (counters: () => DeliveryCounters) => Sink<Body>
  readonly delivery?: Partial<DeliveryConfig>
}

/** An output's queue on disk, with delivery behind it. */
export interface Durable extends Omit<Output, "lines" | "spans" | "events" | "tick"> {
  readonly outbox: Outbox
}

/** @throws MeshscopeError STATE_FUTURE, STATE_UNWRITABLE */
export function openDurable<Body>(config: DurableConfig<Body>, deps: OutputDeps): Durable {
  const { name, what, target } = config
  const { clock, log, ledger, queues } = deps
  const queue = openQueue({
    folder: queues.folder,
    sink: name,
    budget: queues.budget,
    crowded: queues.crowded,
    participantHost: ledger,
    note: (sentence, code) => log.warn(sentence, { code, target: `publish.${name}` }),
  })
  const counters = (): DeliveryCounters => delivery.counters
  const delivery = new Delivery<Body>(
    { ...DEFAULT_DELIVERY, ...config.delivery },
    { queue, sink: config.sink(counters), clock, random: Math.random },
  )
  const tell = makeOutputTrouble({ log, sink: name, target, what, counters })
  return {
    name,
    outbox: queue,
    limitBytes: queues.budget.maxBytes,
    counters,
    tell,
    start: () => delivery.start(),
    committed: () => queue.committed(),
    async stop(deadlineMs) {
      await delivery.stop(deadlineMs)
      tell()
    },
  }
}

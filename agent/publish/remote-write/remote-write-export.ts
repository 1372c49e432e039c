import type { Clock } from "#mesh/clock.ts"
import type { Snapshot } from "#mesh/snapshot.ts"
import type { Outbox } from "../contract.ts"
import { makeEndedSeries } from "../series/ended-series.ts"
import { oneAtATime } from "../series/one-at-a-time.ts"
import { makeSendState } from "./send-state.ts"
import { makeTickEncoder, type TickEncoderConfig } from "./tick-encoder.ts"

export interface RemoteWriteExportDeps {
  readonly snapshot: Snapshot
  readonly clock: Pick<Clock, "now">
  readonly outbox: Outbox
  /** What `state` last committed, before a restart. */
  readonly restored: Uint8Array | undefined
}

/**
 * Puts every series into the outbox at each tick, as a scrape would see it, so that `rate()` and `increase()` work as ever.
 * Requests are queued as they will be sent, so that after an outage the receiver has each point of it.
 *
 * - A counter or histogram that is new to the receiver begins with 0 at its start time, so that `increase()` counts from its
 *   first request on (docs/decisions/2026-11-21-a-new-counter-starts-at-zero.md).
 * - A series that left gets a stale marker, so that its last value is not taken for a present one.
 * - A request has one sample of a series: one that is sent again, because its answer was lost, holds nothing that is older
 *   than what the receiver has.
 * - All requests of a tick and the time of it are committed together or not at all: after kill -9 no sample comes twice
 *   with another value, none before its predecessor.
 */
export interface RemoteWriteExport {
  /** Calls do not overlap: one that comes during another waits for that and adds nothing. */
  tick(): Promise<void>
  /** Joins the ledger as a participant. */
  readonly state: { save(): Uint8Array | undefined }
}

/** Series that leave during a tick make it begin again, but not for ever. */
const MAX_PASSES = 5

export function makeRemoteWriteExport(
  config: TickEncoderConfig,
  { snapshot, clock, outbox, restored }: RemoteWriteExportDeps,
): RemoteWriteExport {
  const state = makeSendState(restored, { generation: snapshot.generation, timeMs: clock.now() })
  const ended = makeEndedSeries(snapshot)
  const encoder = makeTickEncoder(config, snapshot)
  const run = async (): Promise<void> => {
    for (let pass = 0; pass < MAX_PASSES; pass++) {
      const { timeMs, generation } = snapshot
      if (generation === 0 || !state.due(timeMs)) return
      const gone = ended.since()
      const requests = await encoder.encode({ timeMs, generation, gone: gone.ended, state })
      if (requests === undefined) continue
      for (const { payload, count } of requests) outbox.append("", timeMs, payload, count)
      state.sent(timeMs, generation)
      gone.told()
      return
    }
  }
  return {
    state,
    tick: oneAtATime(run),
  }
}

import type { Participant } from "./contract.ts"

/** Those whose state is committed together with the counters, and what they saved that is not committed yet. */
export interface Participants {
  join(participant: Participant): void
  /** What was kept under the key is removed with the next commit. */
  leave(key: string): void
  /** What was last committed under the key before this process, until something else was. */
  restored(key: string): Uint8Array | undefined
  /** Asks each for what changed. */
  gather(): void
  /** What a commit has to write, by key; bytes of length 0 remove what was kept. */
  readonly saves: ReadonlyMap<string, Uint8Array>
  /** The saves are written. */
  committed(): void
  /** The saves could not be written, and nobody will offer them again: copies are kept, as buffers are their owners'. */
  hold(): void
}

const NO_BYTES = new Uint8Array(0)

/** @param restored what the state file held; taken over */
export function makeParticipants(restored: Map<string, Uint8Array>): Participants {
  const joined = new Map<string, Participant>()
  const saves = new Map<string, Uint8Array>()
  return {
    saves,
    join(participant) {
      joined.set(participant.key, participant)
    },
    leave(key) {
      joined.delete(key)
      restored.delete(key)
      saves.set(key, NO_BYTES)
    },
    restored: (key) => restored.get(key),
    gather() {
      for (const participant of joined.values()) {
        const bytes = participant.save()
        if (bytes !== undefined) saves.set(participant.key, bytes)
      }
    },
    committed() {
      for (const [key, saved] of saves) if (saved.length > 0) restored.delete(key)
      saves.clear()
    },
    hold() {
      for (const [key, bytes] of saves) saves.set(key, Uint8Array.from(bytes))
    },
  }
}

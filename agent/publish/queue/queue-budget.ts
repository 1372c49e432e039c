/** Which records leave when there is no room: the oldest of the sink that holds most, or the one that comes. */
export type OverflowPolicy = "oldest" | "newest"

export interface QueueBudgetConfig {
  /** Of all queues together, on disk. */
  readonly maxBytes: number
  readonly policy: OverflowPolicy
}

const DEFAULT_BUDGET: QueueBudgetConfig = { maxBytes: 256 * 1024 * 1024, policy: "oldest" }

/** Something on disk that counts against the budget. */
export interface BudgetMember {
  /** What it holds. */
  readonly bytes: number
  /** Files that it does not need any more, but removes only after the next commit. */
  readonly doomedBytes: number
  /** Gives up its oldest file, counted. False when it has none. */
  dropOldest(): boolean
  /** Removes what is not needed any more now. */
  removeDoomed(): void
}

/** One byte budget over all queues. What is on disk is never more than it and one segment. */
export interface QueueBudget {
  readonly maxBytes: number
  /** A segment file is closed before it grows larger than this. */
  readonly segmentBytes: number
  join(member: BudgetMember): void
  /** Makes room for so many bytes by the policy. False: there is none, and they must not be added. */
  claim(bytes: number): boolean
}

const LEAST_SEGMENT = 64 * 1024
const MOST_SEGMENT = 8 * 1024 * 1024

export function makeQueueBudget(config: QueueBudgetConfig = DEFAULT_BUDGET): QueueBudget {
  const { maxBytes, policy } = config
  const segmentBytes = Math.max(LEAST_SEGMENT, Math.min(MOST_SEGMENT, Math.floor(maxBytes / 16)))
  const members: BudgetMember[] = []
  const total = (): number => {
    let bytes = 0
    for (const member of members) bytes += member.bytes
    return bytes
  }
  const doomed = (): number => {
    let bytes = 0
    for (const member of members) bytes += member.doomedBytes
    return bytes
  }
  const push = (): boolean => {
    const largest = members.toSorted((one, other) => other.bytes - one.bytes)
    return largest.some((member) => member.dropOldest())
  }
  return {
    maxBytes,
    segmentBytes,
    join(member) {
      members.push(member)
    },
    claim(bytes) {
      while (total() + bytes > maxBytes) if (policy === "newest" || !push()) return false
      if (total() + doomed() + bytes > maxBytes + segmentBytes)
        for (const member of members) member.removeDoomed()
      return true
    },
  }
}

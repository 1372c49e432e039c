/** A log event as it was taken. */
export interface StoredEvent {
  readonly timestamp: number
  readonly message: string
  readonly ingestionTime: number
  readonly stream: string
}

export interface LogGroup {
  readonly name: string
  readonly class: string
  readonly createdMs: number
  /** Undefined: events never expire. */
  retentionInDays: number | undefined
  readonly streams: Map<string, StoredEvent[]>
}

/** What the log groups hold, for the test to read. */
export interface FakeLogs {
  readonly groups: ReadonlyMap<string, LogGroup>
  /** Events of a group (of one stream) by time. Empty where there is no such group. */
  events(group: string, stream?: string): StoredEvent[]
  /** Makes a group and a stream, as an operator might have. */
  create(group: string, stream?: string, groupClass?: string): LogGroup
  /** Deletes a group, as an operator might. */
  delete(group: string): void
}

export interface LogsStore extends FakeLogs {
  readonly groups: Map<string, LogGroup>
}

export function makeStore(): LogsStore {
  const groups = new Map<string, LogGroup>()
  return {
    groups,
    events(group, stream) {
      const streams = groups.get(group)?.streams ?? new Map<string, StoredEvent[]>()
      const found = stream === undefined ? [...streams.values()].flat() : (streams.get(stream) ?? [])
      return found.toSorted((one, other) => one.timestamp - other.timestamp)
    },
    create(name, stream, groupClass = "STANDARD") {
      const group = groups.get(name) ?? newGroup(name, groupClass, 0)
      groups.set(name, group)
      if (stream !== undefined && !group.streams.has(stream)) group.streams.set(stream, [])
      return group
    },
    delete: (group) => void groups.delete(group),
  }
}

export const newGroup = (name: string, groupClass: string, createdMs: number): LogGroup => ({
  name,
  class: groupClass,
  createdMs,
  retentionInDays: undefined,
  streams: new Map(),
})

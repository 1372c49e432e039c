/** What a planned request makes an application do, by virtual service; travels as JSON in a header. */
export interface Behaviour {
  /** Applies to the first attempts only; absent: to all. */
  readonly first?: number
  readonly delayMs?: number
  /** Waits until the caller has gone. */
  readonly hold?: boolean
  /** Closes the connection before or after the headers. */
  readonly cut?: "before" | "after"
  readonly status?: number
  readonly grpcStatus?: number
}
export type Behaviours = Readonly<Record<string, Behaviour>>

/** What is in force for one attempt (from 1). Text that is no JSON object counts as nothing. */
export function behaviourOf(header: string | undefined, service: string, attempt: number): Behaviour {
  if (header === undefined) return {}
  const found = parse(header).get(service)
  if (found === undefined) return {}
  return found.first !== undefined && attempt > found.first ? {} : found
}

function parse(header: string): ReadonlyMap<string, Behaviour> {
  try {
    const value: unknown = JSON.parse(header)
    if (typeof value !== "object" || value === null) return new Map()
    // Only the demo's own generator writes this header, so its values are behaviours.
    return new Map(Object.entries(value))
  } catch {
    return new Map()
  }
}

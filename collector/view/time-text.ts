/** RFC 3339 in UTC with whole seconds, as all answers give it. */
export function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}

/** `10:42`, for sentences. UTC. */
export function clockText(ms: number): string {
  return new Date(ms).toISOString().slice(11, 16)
}

/** The same of what may be long ago: with its date where that is another day than `nowMs`. */
export function momentText(ms: number, nowMs: number): string {
  const [day = ""] = timeText(ms).split("T")
  return timeText(nowMs).startsWith(day) ? clockText(ms) : `${day} ${clockText(ms)}`
}

/** Which life of which proxy the last values belong to. */
export interface Epoch {
  /** `server.hot_restart_epoch`. */
  readonly hotRestarts: number
  /** `server.uptime`, seconds: goes on over a hot restart, and lags by up to the proxy's flush interval. */
  readonly uptime: number
  /** When we looked: wall clock, ms, and the monotonic one, NaN when another process of ours looked. */
  readonly wallMs: number
  readonly monotonicMs: number
}

/**
 * What a page's numbers mean against the last ones. `same`: differences count. `begun`: the proxy began after our last
 * look, everything it counted is new. `unsure`: uptime alone cannot tell; counters that fell decide.
 */
export type Verdict = "same" | "begun" | "unsure"

/** Uptime is written at each flush of the proxy's stats (5 s unless configured), in whole seconds. */
const LAG_SECONDS = 8
/** How much later a proxy may seem to have begun than it did. */
export const BEGIN_LAG_MS = LAG_SECONDS * 1000

export function judge(last: Epoch, now: Epoch): Verdict {
  if (now.hotRestarts !== last.hotRestarts) return "begun"
  if (Number.isNaN(now.uptime) || Number.isNaN(last.uptime)) return "unsure"
  if (now.uptime < last.uptime) return "begun"
  const monotonic = now.monotonicMs - last.monotonicMs
  const passedMs = Number.isNaN(monotonic) ? now.wallMs - last.wallMs : monotonic
  // An old proxy has grown older by the time that passed. One that grew less may be a young one, or its flush interval
  // is long, or the machine slept, or the wall clock stepped.
  return now.uptime >= last.uptime + passedMs / 1000 - LAG_SECONDS ? "same" : "unsure"
}

/**
 * Whether a proxy that is seen for the first time began after `watchingSinceMs`: then all that it counted happened
 * under our eyes. After a hot restart uptime tells of the first life, so that nobody knows.
 */
export function beganSince(now: Epoch, watchingSinceMs: number): boolean {
  return now.hotRestarts === 0 && now.wallMs - now.uptime * 1000 >= watchingSinceMs
}

import type { Clock } from "#mesh/clock.ts"

/**
 * The clock that windows are counted by, in whole ms: the wall clock, but it never steps back. A wall clock that steps back is
 * passed over by the monotonic one until it has caught up, so that no step is counted twice.
 */
export function receiveClock(clock: Clock): () => number {
  let wall = clock.now()
  let monotonic = clock.monotonic()
  return () => {
    const now = clock.now()
    const nowMonotonic = clock.monotonic()
    const expected = wall + (nowMonotonic - monotonic)
    wall = Math.max(expected, now)
    monotonic = nowMonotonic
    return Math.floor(wall)
  }
}

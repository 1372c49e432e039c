import { monitorEventLoopDelay } from "node:perf_hooks"
import { gauge, type OwnFamily } from "./families.ts"

/**
 * How often the event loop is watched. A stall that is longer is always seen. Each look wakes the process, idle or not:
 * at the usual 10 ms they cost 0.3 % of a core.
 */
const EVERY_MS = 100

/** How late the event loop ran what was due, between two readings. */
export function watchEventLoop(): { families(): readonly OwnFamily[]; close(): void } {
  const delays = monitorEventLoopDelay({ resolution: EVERY_MS })
  delays.enable()
  let latest = 0
  const families = (): readonly OwnFamily[] => {
    const read = familiesOf(delays, latest)
    delays.reset()
    const asked = performance.now()
    setImmediate(() => {
      latest = (performance.now() - asked) / 1000
    })
    return read
  }
  return { families, close: () => void delays.disable() }
}

function familiesOf(delays: ReturnType<typeof monitorEventLoopDelay>, latest: number): readonly OwnFamily[] {
  const lag = gauge("nodejs_eventloop_lag_seconds", "Lag of event loop in seconds.", latest)
  if (delays.count === 0) return [lag]
  return [
    lag,
    lateness("min", "The minimum recorded event loop delay.", delays.min),
    lateness("max", "The maximum recorded event loop delay.", delays.max),
    lateness("mean", "The mean of the recorded event loop delays.", delays.mean),
    gauge(
      "nodejs_eventloop_lag_stddev_seconds",
      "The standard deviation of the recorded event loop delays.",
      delays.stddev / 1e9,
    ),
    ...[50, 90, 99].map((of) =>
      lateness(`p${of}`, `The ${of}th percentile of the recorded event loop delays.`, delays.percentile(of)),
    ),
  ]
}

/** @param nanoseconds between two looks, which is what is recorded */
function lateness(kind: string, help: string, nanoseconds: number): OwnFamily {
  return gauge(`nodejs_eventloop_lag_${kind}_seconds`, help, Math.max(0, nanoseconds / 1e9 - EVERY_MS / 1000))
}

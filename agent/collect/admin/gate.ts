/** How many requests may run at once, over all proxies. */
export interface Gate {
  /** Resolves when a place is free, in order of asking. Call the result once to give the place back. */
  enter(): Promise<Pass>
  readonly running: number
  readonly slow: number
  readonly waiting: number
}

export interface Pass {
  /** Gives the place back. May be called more than once. */
  leave(): void
}

export interface GateLimits {
  readonly atOnce: number
  /**
   * A request that runs longer than this gives its place to the next, so that slow or hostile proxies do not hold up
   * the others.
   */
  readonly patienceMs: number
  /** How many such slow ones may run beside; above that they keep their places. */
  readonly slowAtOnce: number
}

const GATE_LIMITS: GateLimits = { atOnce: 8, patienceMs: 200, slowAtOnce: 64 }

export function makeGate(limits: GateLimits = GATE_LIMITS): Gate {
  const waiting: ((pass: Pass) => void)[] = []
  let running = 0
  let slow = 0
  const admit = (): void => {
    while (running < limits.atOnce) {
      const next = waiting.shift()
      if (next === undefined) return
      next(pass())
    }
  }
  const pass = (): Pass => {
    running++
    let place: "fast" | "slow" | "none" = "fast"
    const timer = setTimeout(() => {
      if (slow >= limits.slowAtOnce) return
      place = "slow"
      running--
      slow++
      admit()
    }, limits.patienceMs)
    const leave = (): void => {
      clearTimeout(timer)
      if (place === "fast") running--
      else if (place === "slow") slow--
      place = "none"
      admit()
    }
    return { leave }
  }
  return {
    enter: () =>
      new Promise((resolve) => {
        waiting.push(resolve)
        admit()
      }),
    get running() {
      return running
    },
    get slow() {
      return slow
    },
    get waiting() {
      return waiting.length
    },
  }
}

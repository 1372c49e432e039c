import { HEALTH_RULES } from "#mesh/health.ts"

/** Requests of one route in steps of the same length. */
export interface Steps {
  readonly fromMs: number
  readonly stepMs: number
  /** Requests that a ratio is made of, and errors, per step. */
  readonly judged: Float64Array
  readonly errors: Float64Array
  /** Up to here something is known of it, ms. */
  readonly untilMs: number
  /** Its state is that of the time from here on, ms. */
  readonly windowFromMs: number
}

/** One unbroken time of errors. */
export interface Spell {
  readonly sinceMs: number
  /** End of its last step with an error, once it is over; undefined while it goes on. */
  readonly endedMs: number | undefined
}

const MINUTE_MS = 60_000
/** So many minutes without traffic end a spell: what comes after may have another cause. */
const QUIET_MINUTES = 3
/** Good requests for so long: it is over. No request at all proves less, and needs longer. */
const OVER_MS = 30_000
const OVER_WITHOUT_TRAFFIC_MS = 60_000
/** And for so many times as long as steps with an error lay apart, so that what fails now and then goes on. */
const OVER_GAPS = 3

/** Errors so much rarer than at the worst, and not far over the lower limit, are not the fault: they were there before. */
const RESIDUE = 0.1
const CLEARLY = 2

/** Steps [from, to) that lie in one minute of the clock. */
interface Bin {
  readonly from: number
  readonly to: number
  readonly errors: number
  /** undefined without traffic. */
  readonly ratio: number | undefined
}

/**
 * The newest spell: minutes of the clock over the lower limit of states. It began in the first step over `limit`, that
 * of the state itself: what was degraded before it failed fails since then only. undefined where no minute is over it.
 */
export function spellOf(steps: Steps, limit: number): Spell | undefined {
  const bins = binsOf(steps)
  const worst = worstRatio(steps, bins)
  const newest = bins.findLastIndex((bin) => isBad(bin, worst))
  const first = firstOf(bins, newest, limit, worst)
  const last = bins[newest]
  if (first === undefined || last === undefined) return undefined
  const begin = beginOf(steps, first, limit)
  const end = lastBad(steps, last, worst)
  return {
    sinceMs: steps.fromMs + begin * steps.stepMs,
    endedMs: isOver(steps, begin, end) ? steps.fromMs + end * steps.stepMs : undefined,
  }
}

function binsOf(steps: Steps): Bin[] {
  const bins: Bin[] = []
  const minuteOf = (step: number): number => Math.floor((steps.fromMs + step * steps.stepMs) / MINUTE_MS)
  for (let from = 0; from < steps.judged.length; ) {
    let to = from + 1
    while (to < steps.judged.length && minuteOf(to) === minuteOf(from)) to++
    bins.push(binOf(steps, from, to))
    from = to
  }
  return bins
}

function binOf({ judged, errors }: Steps, from: number, to: number): Bin {
  let all = 0
  let bad = 0
  for (let step = from; step < to; step++) {
    all += judged[step] ?? 0
    bad += errors[step] ?? 0
  }
  return { from, to, errors: bad, ratio: all === 0 ? undefined : bad / all }
}

/** Of the minutes of the window. */
function worstRatio({ fromMs, stepMs, windowFromMs }: Steps, bins: readonly Bin[]): number {
  const inWindow = bins.filter(({ to }) => fromMs + to * stepMs > windowFromMs)
  return Math.max(0, ...inWindow.map(({ ratio }) => ratio ?? 0))
}

function isBad({ ratio = 0, errors }: Bin, worst: number): boolean {
  if (ratio < HEALTH_RULES.degradedErrorRatio) return false
  if (ratio >= worst * RESIDUE) return true
  return errors >= HEALTH_RULES.minimumErrors && ratio >= HEALTH_RULES.degradedErrorRatio * CLEARLY
}

/** Walks back from the newest bad minute; the first one of its run that is over `limit`. */
function firstOf(bins: readonly Bin[], newest: number, limit: number, worst: number): Bin | undefined {
  let first: Bin | undefined
  let quiet = 0
  for (let index = newest; index >= 0 && quiet < QUIET_MINUTES; index--) {
    const bin = bins[index]
    quiet = bin?.ratio === undefined ? quiet + 1 : 0
    if (bin?.ratio === undefined) continue
    if (!isBad(bin, worst)) break
    if (bin.ratio >= limit) first = bin
  }
  return first
}

/** The first bad step of a minute, or of those right before it: a fault does not begin with a minute of the clock. */
function beginOf(steps: Steps, { from, to }: Bin, limit: number): number {
  const bad = (step: number): boolean => (binOf(steps, step, step + 1).ratio ?? 0) >= limit
  let step = from
  while (step < to - 1 && !bad(step)) step++
  while (step > 0 && bad(step - 1)) step--
  return step
}

/** The step after the last bad one. */
function lastBad(steps: Steps, { from, to }: Bin, worst: number): number {
  for (let step = to; step > from; step--) if (isBad(binOf(steps, step - 1, step), worst)) return step
  return to
}

function isOver(steps: Steps, begin: number, end: number): boolean {
  const { fromMs, stepMs, errors, judged, untilMs } = steps
  let bad = 0
  for (let step = begin; step < end; step++) if ((errors[step] ?? 0) > 0) bad++
  const apartMs = ((end - begin) * stepMs) / Math.max(1, bad)
  const least = binOf(steps, end, judged.length).ratio === undefined ? OVER_WITHOUT_TRAFFIC_MS : OVER_MS
  return untilMs - (fromMs + end * stepMs) >= Math.max(least, OVER_GAPS * apartMs)
}

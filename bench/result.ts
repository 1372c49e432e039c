/** One measured goal: ours beside a peer's, in the same run. */
export interface BenchResult {
  /** Number in the table of goals, e.g. `P7`. */
  readonly id: string
  readonly what: string
  readonly unit: string
  readonly ours: number
  /** The same work by the peer, or the limit that the machine sets, in the same unit. */
  readonly peer?: number
  /** What the peer does more or less than ours, and what of both answers was found equal. Left out without a peer. */
  readonly beside?: string
  /** Left out for what is shown beside a goal. */
  readonly goal?: { readonly most: number }
}

/** Least CPU time (user and system, all threads of the process) of `rounds` calls, ms. */
export function bestCpuMs(rounds: number, work: () => void): number {
  let best = Infinity
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage()
    work()
    const used = process.cpuUsage(before)
    best = Math.min(best, (used.user + used.system) / 1000)
  }
  return best
}

/**
 * Least CPU time of each work, ms. They take turns, so that what else the machine does falls on all alike; the first
 * turn of each is not counted.
 */
export function bestInTurnMs<const Works extends readonly (() => void)[]>(
  rounds: number,
  works: Works,
): { [Index in keyof Works]: number }
export function bestInTurnMs(rounds: number, works: readonly (() => void)[]): number[] {
  const best = works.map(() => Infinity)
  for (let round = 0; round <= rounds; round++) {
    for (const [index, work] of works.entries()) {
      const used = bestCpuMs(1, work)
      if (round > 0) best[index] = Math.min(best[index] ?? Infinity, used)
    }
  }
  return best
}

/** A number of three digits, for people. */
export function short(value: number): string {
  const digits = value >= 100 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(value)))
  return value.toFixed(Number.isFinite(digits) ? digits : 0)
}

/** Whether the goal is met; undefined where there is none. */
export function isMet({ ours, goal }: BenchResult): boolean | undefined {
  return goal === undefined ? undefined : ours <= goal.most
}

/** So close to the goal, as a share of it, that the next run may say otherwise. */
export const NEAR = 0.1

/** `met` or `missed`, and whether only just; nothing where there is no goal. */
export function verdict(result: BenchResult): string {
  const { ours, goal } = result
  if (goal === undefined) return ""
  const near = Math.abs(ours - goal.most) <= NEAR * goal.most ? ", near the goal" : ""
  return `${isMet(result) === true ? "met" : "missed"}${near}`
}

/** One line per result, for people. */
function resultLine(result: BenchResult): string {
  const { id, what, ours, unit, peer, goal } = result
  const beside = peer === undefined ? "" : `, peer ${short(peer)} (${short(peer / ours)} times)`
  const reached = goal === undefined ? "" : `; goal ${short(goal.most)} ${verdict(result)}`
  return `${id} ${what}: ${short(ours)} ${unit}${beside}${reached}`
}

/** Runs a bench file by itself; started by `bench/main.ts`, it hands the results over as they are. */
export async function printAlone(bench: () => Promise<BenchResult[]>): Promise<void> {
  const results = await bench()
  for (const result of results) process.stdout.write(`${resultLine(result)}\n`)
  process.send?.(results)
}

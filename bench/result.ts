/** One measured goal: ours beside a peer's, in the same run on the same input, after the answers were compared. */
export interface BenchResult {
  /** Number in the table of goals, e.g. `P7`. */
  readonly id: string
  readonly what: string
  readonly unit: string
  readonly ours: number
  /** The same work by the peer, or the limit that the machine sets, in the same unit. */
  readonly peer?: number
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

/** A number of three digits, for people. */
export function short(value: number): string {
  const digits = value >= 100 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(value)))
  return value.toFixed(Number.isFinite(digits) ? digits : 0)
}

/** Whether the goal is met; undefined where there is none. */
export function isMet({ ours, goal }: BenchResult): boolean | undefined {
  return goal === undefined ? undefined : ours <= goal.most
}

/** One line per result, for people. */
function resultLine(result: BenchResult): string {
  const { id, what, ours, unit, peer, goal } = result
  const beside = peer === undefined ? "" : `, peer ${short(peer)} (${short(peer / ours)} times)`
  const verdict =
    goal === undefined ? "" : `; goal ${short(goal.most)} ${isMet(result) === true ? "met" : "MISSED"}`
  return `${id} ${what}: ${short(ours)} ${unit}${beside}${verdict}`
}

/** Runs a bench file by itself; started by `bench/main.ts`, it hands the results over as they are. */
export async function printAlone(bench: () => Promise<BenchResult[]>): Promise<void> {
  const results = await bench()
  for (const result of results) process.stdout.write(`${resultLine(result)}\n`)
  process.send?.(results)
}

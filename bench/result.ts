/** One measured goal: ours beside a peer's, in the same run on the same input, after the answers were compared. */
export interface BenchResult {
  /** Number in the table of goals, e.g. `P7`. */
  readonly id: string
  readonly what: string
  readonly unit: string
  readonly ours: number
  /** The same work by the peer, in the same unit; undefined where there is none but the limit. */
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

/** One line per result, for people. */
export function resultLine(result: BenchResult): string {
  const peer =
    result.peer === undefined
      ? ""
      : `, peer ${short(result.peer)} (${short(result.peer / result.ours)} times)`
  const goal =
    result.goal === undefined
      ? ""
      : `; goal ${result.goal.most} ${result.ours <= result.goal.most ? "met" : "MISSED"}`
  return `${result.id} ${result.what}: ${short(result.ours)} ${result.unit}${peer}${goal}`
}

function short(value: number): string {
  return value.toPrecision(3)
}

/** Runs a bench file by itself. */
export async function printAlone(bench: () => Promise<BenchResult[]>): Promise<void> {
  for (const result of await bench()) process.stdout.write(`${resultLine(result)}\n`)
}

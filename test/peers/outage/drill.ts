import { setTimeout as sleep } from "node:timers/promises"
import { pick, type Random, seeded } from "../../../demo/random.ts"
import { type Door, type Taken, TROUBLES, type Way } from "./door.ts"
import type { Input } from "./input.ts"
import type { Subject } from "./subject.ts"

export interface DrillPlan {
  readonly seed: number
  /** How long each receiver is away, ms. They go one after another and so are all away at once for a while. */
  readonly outageMs: number
  /** Between one receiver's going and the next one's, ms. */
  readonly stepMs: number
  /** Least and most time that an agent lives, ms. */
  readonly livesMs: readonly [least: number, most: number]
}

/** In how many ways a receiver is away, one after another. */
const WAYS = 3
/** When the moment for a kill that was to hit a request does not come. */
const PATIENCE_MS = 6000

/** Takes receivers away and brings them back, and kills the agent meanwhile. Resolves when all is well again. */
export async function drill(
  plan: DrillPlan,
  doors: readonly Door[],
  subject: Subject,
  input: Input,
): Promise<void> {
  const ended = new AbortController()
  const outages = Promise.all(doors.map((door, at) => away(plan, door, at)))
  const killing = killAgain(plan, doors, { subject, input, signal: ended.signal })
  await Promise.all([outages.finally(() => ended.abort()), killing])
}

async function away({ seed, outageMs, stepMs }: DrillPlan, door: Door, at: number): Promise<void> {
  const random = seeded(seed + 100 + at)
  await sleep(at * stepMs)
  for (const way of shuffled(random).slice(0, WAYS)) {
    await door.set(way)
    await sleep(outageMs / WAYS)
  }
  await door.set("open")
}

function shuffled(random: Random): readonly Way[] {
  const keyed = TROUBLES.map((way) => ({ way, key: random() }))
  return keyed.toSorted((one, other) => one.key - other.key).map(({ way }) => way)
}

interface Killing {
  readonly subject: Subject
  readonly input: Input
  readonly signal: AbortSignal
}

/** One in three comes by the clock, one before a request is handed on, one between its answer and the agent. */
const MOMENTS = ["clock", "before", "after"] as const

async function killAgain(plan: DrillPlan, doors: readonly Door[], killing: Killing): Promise<void> {
  const { subject, input, signal } = killing
  const random = seeded(plan.seed)
  const [least, most] = plan.livesMs
  for (let number = 0; !signal.aborted; number++) {
    await pause(least + random() * (most - least), signal)
    const moment = pick(random, MOMENTS)
    if (moment !== "clock") await requestAt(moment, doors, signal)
    input.listening = false
    await subject.kill()
    await sleep(random() * 500)
    // Each fourth one does not even get to its first page.
    if (number % 4 === 3) {
      subject.startOnly()
      await sleep(100 + random() * 900)
      await subject.kill()
    }
    await subject.start()
    input.listening = true
  }
}

/** Resolves in the very moment of any receiver's next request. */
async function requestAt(
  moment: "before" | "after",
  doors: readonly Door[],
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  for (const door of doors) {
    door.passing = (now) => {
      if (now === moment) resolve()
    }
  }
  await Promise.race([promise, pause(PATIENCE_MS, signal)])
  for (const door of doors) door.passing = () => undefined
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined)
}

/** How many answers did not come through though the work was done. */
export const lostAnswers = (taken: readonly Taken[]): number =>
  taken.filter(({ answeredMs }) => answeredMs === undefined).length

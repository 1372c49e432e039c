import { type Carry, Settling } from "./carry.ts"

/** Why Envoy replied itself, where a counter of the connection manager says so, and under which class it replies. */
const CAUSES = {
  NR: 2,
  SI: 2,
  DPE: 2,
  UAEX: 2,
  NC: 3,
  FI: 3,
} as const
export type Cause = keyof typeof CAUSES
/** Looks in a row that show a reply whose cause no counter says, before it is told, while answers of its class pass. */
const UNEXPLAINED_LOOKS = 3
const CAUSE_NAMES = ["NR", "SI", "DPE", "UAEX", "NC", "FI"] as const

/**
 * Replies that Envoy made itself, by class (2xx to 5xx as 0 to 3): what the connection manager counted less what its
 * clusters did. Manager and clusters are read at slightly different moments, so a reply is counted at the second look
 * that shows it. Where many answers pass, two looks in a row may show a cluster's answer as one of Envoy's own: what no
 * cause explains waits longer, and a cluster that counts it after all, or a cause, takes it back.
 *
 * A reply to a gRPC call is a 200 on the wire: the cluster counts 503, the manager 200. Such pairs cancel out; and a
 * cause without a reply in its own class explains a 200.
 */
export class OwnReplies {
  readonly #classes: readonly Settling[]
  readonly #unexplained: readonly Unexplained[]
  readonly #causes: Readonly<Record<Cause, { readonly carry: Carry; readonly now: number }>>
  readonly #grpc: boolean
  readonly #passed = [0, 0, 0, 0]
  /** Causes that the last looks showed, the newest first. */
  readonly #seen: Readonly<Record<Cause, number[]>> = { NR: [], SI: [], DPE: [], UAEX: [], NC: [], FI: [] }

  /** @param grpc whether gRPC calls pass here */
  constructor(carry: Carry, name: string, grpc: boolean) {
    this.#classes = [2, 3, 4, 5].map((first) => new Settling(carry, `${name}.own${first}`))
    this.#unexplained = [2, 3, 4, 5].map((first) => new Unexplained(carry, `${name}.unexplained${first}`))
    const cells = (cause: Cause) => ({
      carry,
      now: carry.cell(`${name}.cause.${cause}`),
    })
    this.#causes = {
      NR: cells("NR"),
      SI: cells("SI"),
      DPE: cells("DPE"),
      UAEX: cells("UAEX"),
      NC: cells("NC"),
      FI: cells("FI"),
    }
    this.#grpc = grpc
  }

  /** @param passed answers of the class that clusters gave since the last look */
  see(index: number, replies: number, passed: number): void {
    this.#classes[index]?.add(replies)
    this.#passed[index] = passed
  }

  cause(cause: Cause, times: number): void {
    const { carry, now } = this.#causes[cause]
    carry.add(now, times)
    const seen = this.#seen[cause]
    seen.unshift(times)
    seen.length = Math.min(seen.length, UNEXPLAINED_LOOKS)
  }

  /** @param tell replies, class 0 to 3, flag or undefined, and whether a gRPC status carries the failure */
  settle(
    last: boolean,
    tell: (replies: number, index: number, flag: Cause | undefined, grpc: boolean) => void,
  ): void {
    if (this.#grpc) this.#cancelPairs()
    const open = this.#classes.map((one, index) => {
      this.#unexplained[index]?.repay(one)
      const settled = last ? one.flush() : one.settle(this.#passed[index] ?? 0)
      return settled + (this.#unexplained[index]?.open ?? 0)
    })
    for (const cause of CAUSE_NAMES) {
      const index = CAUSES[cause]
      tell(this.#take(cause, open, index), index, cause, false)
      if (this.#grpc) tell(this.#take(cause, open, 0), 0, cause, true)
    }
    for (const [index, one] of this.#unexplained.entries()) {
      const busy = !last && (this.#passed[index] ?? 0) > 0
      tell(one.settle(open[index] ?? 0, busy), index, undefined, false)
    }
    this.#age()
  }

  #take(cause: Cause, open: number[], index: number): number {
    const { carry, now } = this.#causes[cause]
    const taken = Math.min(open[index] ?? 0, carry.get(now))
    if (taken <= 0) return 0
    open[index] = (open[index] ?? 0) - taken
    carry.add(now, -taken)
    return taken
  }

  /**
   * A cause is kept for replies that still wait, and for one look where its reply may have been read too early. While
   * answers of its class pass, one that a cluster counted first may hide the reply: it is kept as long as the reply may be
   * without it. Beyond that it is forgotten, so that it cannot explain another's.
   */
  #age(): void {
    const calls = this.#grpc ? Math.max(0, this.#classes[0]?.waiting ?? 0) : 0
    for (const cause of CAUSE_NAMES) {
      const { carry, now } = this.#causes[cause]
      const index = CAUSES[cause]
      const waiting = Math.max(0, this.#classes[index]?.waiting ?? 0) + calls
      const looks = (this.#passed[index] ?? 0) > 0 ? UNEXPLAINED_LOOKS : 1
      const recent = this.#seen[cause].slice(0, looks).reduce((sum, times) => sum + times, 0)
      carry.set(now, Math.min(carry.get(now), Math.max(waiting, recent)))
    }
  }

  #cancelPairs(): void {
    const good = this.#classes[0]
    if (good === undefined) return
    for (const one of this.#classes.slice(1)) {
      const pairs = Math.min(-one.waiting, good.waiting)
      if (pairs <= 0) continue
      good.add(-pairs)
      one.add(pairs)
    }
  }
}

/** Replies without a cause, and what stayed of them over the last looks. */
class Unexplained {
  readonly #carry: Carry
  readonly #open: number
  readonly #least: number
  readonly #looks: number

  constructor(carry: Carry, name: string) {
    this.#carry = carry
    this.#open = carry.cell(`${name}.open`)
    this.#least = carry.cell(`${name}.least`)
    this.#looks = carry.cell(`${name}.looks`)
  }

  get open(): number {
    return this.#carry.get(this.#open)
  }

  /** What a cluster has counted after all was no reply of Envoy's own. */
  repay(replies: Settling): void {
    const back = Math.min(this.open, Math.max(0, -replies.waiting))
    this.#carry.add(this.#open, -back)
    replies.add(back)
  }

  /** @returns what may be told of `open` replies. @param busy answers of the class pass */
  settle(open: number, busy: boolean): number {
    const looks = this.#carry.get(this.#looks) + 1
    const least = looks === 1 ? open : Math.min(open, this.#carry.get(this.#least))
    const told = busy && looks < UNEXPLAINED_LOOKS ? 0 : busy ? least : open
    const left = open - told
    this.#carry.set(this.#open, left)
    this.#carry.set(this.#least, Math.min(least, left))
    this.#carry.set(this.#looks, left === 0 || told > 0 ? 0 : looks)
    return told
  }
}

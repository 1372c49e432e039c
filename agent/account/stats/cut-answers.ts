import { ERROR, OK } from "#mesh/outcome.ts"
import { CLASS_2XX, type ClusterAnswers, UNKNOWN } from "./answers.ts"
import { type Carry, Settling } from "./carry.ts"
import type { RequestCounter } from "./request-counter.ts"

/** Where requests of one connection manager may be told. */
export interface Places {
  readonly answers: readonly ClusterAnswers[]
  readonly unmatched: RequestCounter
}

/**
 * Answers that were cut after their headers: cluster and manager count them as what the headers said, and the manager
 * counts a reset. Clusters show signs, some of which stand for no cut. Manager and clusters are read at slightly
 * different moments, so whose they are may take one more look; good answers that may turn out to be cut wait with them.
 */
export class CutAnswers {
  readonly #places: Places
  readonly #carry: Carry
  readonly #cut: Settling
  /** Cell: 1 while cut answers wait for their look. */
  readonly #waits: number

  constructor(places: Places, carry: Carry, name: string) {
    this.#places = places
    this.#carry = carry
    this.#cut = new Settling(carry, `${name}.cut`)
    this.#waits = carry.cell(`${name}.cutWaits`)
  }

  /** @param cut answers that the manager saw cut since the last look */
  see(cut: number): void {
    this.#cut.add(cut)
    for (const answers of this.#places.answers) answers.seeCuts()
  }

  /** @param last no further look will come @returns whether there were any */
  settle(last: boolean): boolean {
    const { answers } = this.#places
    const cut = Math.max(0, this.#cut.waiting)
    const waits = cut > 0 && !last && this.#carry.get(this.#waits) === 0 && !this.#isPlain(cut)
    this.#carry.set(this.#waits, waits ? 1 : 0)
    if (waits) {
      for (const one of answers) one.reserve(mayBeOf(one, cut, one.cuts))
      return true
    }
    if (cut > 0) this.#tell(cut)
    for (const one of answers) one.forgetCuts(cut > 0)
    return cut > 0
  }

  /** Each cluster shows as many broken answers as it takes, so that none can be another's; or there is one cluster. */
  #isPlain(cut: number): boolean {
    return this.#broken === cut || this.#places.answers.length === 1
  }

  get #broken(): number {
    return this.#places.answers.reduce((all, { broken }) => all + broken, 0)
  }

  #tell(cut: number): void {
    this.#cut.flush()
    if (this.#broken === cut) for (const one of this.#places.answers) tellOn(one, one.broken, ERROR)
    else tellEndings(this.#places, cut, ERROR, ({ cuts }) => cuts)
  }
}

/**
 * Tells answers that began well and did not end so. Where one cluster alone shows signs they are told on its row, else on
 * the unmatched one; each cluster that may have counted them as good owes as many as may have been its own.
 */
export function tellEndings(
  { answers, unmatched }: Places,
  requests: number,
  outcome: number,
  signs: (answers: ClusterAnswers) => number,
): void {
  const seen = answers.filter((one) => signs(one) > 0)
  const candidates = seen.length > 0 ? seen : answers
  const [only] = candidates
  if (candidates.length === 1 && only !== undefined) {
    for (const one of answers) if (one !== only) one.take(0)
    tellOn(only, requests, outcome)
    return
  }
  unmatched.add(requests, outcome, CLASS_2XX, 0, UNKNOWN)
  let owed = 0
  for (const one of answers) {
    const share = candidates.includes(one) ? mayBeOf(one, requests, signs(one)) : 0
    one.take(share)
    owed += share
  }
  // Owed by all together that is more than there were: the rest was good, and nobody knows whose.
  unmatched.add(owed - requests, OK, CLASS_2XX, 0, UNKNOWN)
  // Less: headers came a look ago and were told as good. The next good answers make up for it.
  const [likely] = candidates.toSorted((a, b) => signs(b) - signs(a))
  likely?.owe(Math.max(0, requests - owed))
}

function tellOn(answers: ClusterAnswers, requests: number, outcome: number): void {
  answers.counter.add(requests, outcome, CLASS_2XX, 0, UNKNOWN)
  answers.take(requests)
}

/** How many of these requests may have been this cluster's: at most as many as it has signs of, or good answers. */
function mayBeOf(answers: ClusterAnswers, requests: number, signs: number): number {
  return Math.min(requests, signs || requests, answers.payable)
}

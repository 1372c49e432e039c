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
 * different moments, so whose they are may take one more look.
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

  /** Cut answers that are not told yet. */
  get open(): number {
    return Math.max(0, this.#cut.waiting)
  }

  /** Good answers of a cluster that may turn out to be cut. */
  mayBeOf(answers: ClusterAnswers): number {
    return this.open === 0 ? 0 : mayBeOf(answers, this.open, answers.cuts.open)
  }

  /** @param last no further look will come */
  settle(last: boolean): void {
    const cut = this.open
    const waits = cut > 0 && !last && this.#carry.get(this.#waits) === 0 && !this.#isPlain(cut)
    this.#carry.set(this.#waits, waits ? 1 : 0)
    if (waits) return
    if (cut > 0) this.#tell(cut)
    for (const one of this.#places.answers) {
      one.broken.age()
      one.cuts.age()
    }
  }

  /** Each cluster shows as many broken answers as it takes, so that none can be another's; or all are told alike. */
  #isPlain(cut: number): boolean {
    return this.#broken === cut || areOnePlace(this.#places.answers)
  }

  get #broken(): number {
    return this.#places.answers.reduce((all, { broken }) => all + broken.open, 0)
  }

  #tell(cut: number): void {
    this.#cut.flush()
    if (this.#broken !== cut) {
      tellEndings(this.#places, cut, ERROR, ({ cuts }) => cuts.open)
      let open = cut
      for (const one of this.#places.answers) open -= explain(one, Math.min(open, one.cuts.open))
      return
    }
    for (const one of this.#places.answers) {
      const own = one.broken.open
      tellOn([one], own, ERROR)
      explain(one, own)
    }
  }
}

function explain({ broken, cuts }: ClusterAnswers, answers: number): number {
  broken.explain(answers)
  cuts.explain(answers)
  return answers
}

/**
 * Tells answers that began well and did not end so. Where only clusters that are told alike show signs they are told there,
 * else on the unmatched row; each cluster that may have counted them as good owes as many as may have been its own.
 */
export function tellEndings(
  { answers, unmatched }: Places,
  requests: number,
  outcome: number,
  signs: (answers: ClusterAnswers) => number,
): void {
  const seen = answers.filter((one) => signs(one) > 0)
  const candidates = seen.length > 0 ? seen : answers
  if (areOnePlace(candidates)) {
    tellOn(candidates, requests, outcome)
    return
  }
  unmatched.add(requests, outcome, CLASS_2XX, 0, UNKNOWN)
  let owed = 0
  for (const one of answers) {
    const share = candidates.includes(one) ? mayBeOf(one, requests, signs(one)) : 0
    one.good.take(share)
    owed += share
  }
  // Owed by all together that is more than there were: the rest was good, and nobody knows whose.
  unmatched.add(owed - requests, OK, CLASS_2XX, 0, UNKNOWN)
  // Less: headers came a look ago and were told as good. The next good answers make up for it.
  const [likely] = candidates.toSorted((a, b) => signs(b) - signs(a))
  likely?.good.take(Math.max(0, requests - owed))
}

function areOnePlace(answers: readonly ClusterAnswers[]): boolean {
  return answers.every(({ place }) => place === answers[0]?.place)
}

/** Tells requests of clusters that are told alike, and takes them from their good answers. */
function tellOn(answers: readonly ClusterAnswers[], requests: number, outcome: number): void {
  const [first] = answers
  first?.counter.add(requests, outcome, CLASS_2XX, 0, UNKNOWN)
  let open = requests
  for (const one of answers) {
    const taken = Math.min(open, one.good.open)
    one.good.take(taken)
    open -= taken
  }
  first?.good.take(open)
}

/** How many of these requests may have been this cluster's: at most as many as it has signs of, or good answers. */
function mayBeOf(answers: ClusterAnswers, requests: number, signs: number): number {
  return Math.min(requests, signs || requests, answers.good.open)
}

import { MeshscopeError } from "../errors.ts"

const MOST_NOTES = 100
const LONGEST_NOTE = 300

/** Sentences about what was passed over or taken for granted: each once, so many and so long that a page can show them. */
export class Notes {
  readonly #sentences = new Set<string>()
  #more = 0

  add(sentence: string): void {
    const short = sentence.length > LONGEST_NOTE ? `${sentence.slice(0, LONGEST_NOTE - 1)}…` : sentence
    if (this.#sentences.has(short)) return
    if (this.#sentences.size < MOST_NOTES) this.#sentences.add(short)
    else this.#more += 1
  }

  list(): string[] {
    return this.#more === 0 ? [...this.#sentences] : [...this.#sentences, `and ${this.#more} more notes`]
  }
}

/**
 * How a reader takes what is wrong. A file that an operator gave is read strictly: the first mistake is thrown, so that
 * it stops the start. Objects of a running cluster are read tolerantly: a mistake becomes a note, what it stands in is
 * left out, and the rest stays.
 */
export interface Reading {
  readonly notes: Notes
  /** What `work` answers; where it throws MODEL_INVALID, nothing (tolerant) or the error itself (strict). */
  attempt<T>(work: () => T): T | undefined
}

export function strictReading(): Reading {
  return { notes: new Notes(), attempt: (work) => work() }
}

export function tolerantReading(): Reading {
  const notes = new Notes()
  return {
    notes,
    attempt(work) {
      try {
        return work()
      } catch (error) {
        if (!(error instanceof MeshscopeError) || error.code !== "MODEL_INVALID") throw error
        notes.add(error.message)
        return undefined
      }
    },
  }
}

/** What became of each item, without those that are left out. */
export function readEach<T, R>(reading: Reading, items: Iterable<T>, read: (item: T) => R): R[] {
  const results: R[] = []
  for (const item of items) {
    const one = reading.attempt(() => ({ value: read(item) }))
    if (one !== undefined) results.push(one.value)
  }
  return results
}

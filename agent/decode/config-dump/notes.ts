/** Sentences about what was passed over: each once, and only so many. */
export class Notes {
  readonly #sentences = new Set<string>()
  #more = 0

  add(sentence: string): void {
    if (this.#sentences.has(sentence)) return
    if (this.#sentences.size < MAX_NOTES) this.#sentences.add(sentence.slice(0, MAX_LENGTH))
    else this.#more += 1
  }

  list(): string[] {
    const rest = this.#more === 0 ? [] : [`and ${this.#more} more`]
    return [...this.#sentences, ...rest]
  }
}

const MAX_NOTES = 32
const MAX_LENGTH = 300

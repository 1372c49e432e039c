const NOTHING = Buffer.alloc(0)
const SMALL = 4096

/** Pieces of one line that the container runtime wrote apart. Never holds more than its limit. */
export class PartialLine {
  bytes: Buffer = NOTHING
  length = 0
  /** More came than the limit allows: the line is lost, its bytes are already given up. */
  overflowed = false
  #started = false
  readonly #limit: number
  constructor(limit: number) {
    this.#limit = limit
  }

  get empty(): boolean {
    return !this.#started
  }

  append(from: Buffer, start: number, end: number): void {
    this.#started = true
    const length = this.length + end - start
    if (this.overflowed || length > this.#limit) {
      this.overflowed = true
      this.bytes = NOTHING
      this.length = 0
      return
    }
    if (length > this.bytes.length) this.#grow(length)
    from.copy(this.bytes, this.length, start, end)
    this.length = length
  }

  #grow(needed: number): void {
    const larger = Buffer.alloc(Math.min(Math.max(needed, this.bytes.length * 2, SMALL), this.#limit))
    this.bytes.copy(larger, 0, 0, this.length)
    this.bytes = larger
  }

  /** Gives a large buffer back: files whose lines come apart are few. */
  clear(): void {
    this.#started = false
    this.overflowed = false
    this.length = 0
    if (this.bytes.length > SMALL) this.bytes = NOTHING
  }

  /** Empty text: nothing pending; `!`: an overflowed line; else `=` and the bytes in base64. */
  save(): string {
    if (!this.#started) return ""
    return this.overflowed ? "!" : `=${this.bytes.toString("base64", 0, this.length)}`
  }

  restore(saved: string): void {
    this.clear()
    if (saved === "") return
    this.#started = true
    this.overflowed = saved === "!"
    if (this.overflowed) return
    const bytes = Buffer.from(saved.slice(1), "base64")
    this.append(bytes, 0, bytes.length)
  }
}

const NEWLINE = 10

/** Cuts a stream into lines, none of which may be longer than a limit. Keeps what has no end yet. */
export class JsonLines {
  readonly #maxBytes: number
  #parts: Buffer[] = []
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Bytes behind the last newline. */
  get pending(): number {
    return this.#bytes
  }

  /**
   * @param onLine gets each whole line without its newline; false ends it
   * @returns false: a line is longer than the limit, or `onLine` ended it
   */
  push(chunk: Buffer, onLine: (line: Buffer) => boolean): boolean {
    let at = 0
    for (let stop = chunk.indexOf(NEWLINE); stop >= 0; stop = chunk.indexOf(NEWLINE, at)) {
      if (this.#bytes + stop - at > this.#maxBytes) return false
      const line = this.#taken(chunk.subarray(at, stop))
      at = stop + 1
      if (line.length > 0 && !onLine(line)) return false
    }
    if (at < chunk.length) {
      this.#parts.push(chunk.subarray(at))
      this.#bytes += chunk.length - at
    }
    return this.#bytes <= this.#maxBytes
  }

  #taken(last: Buffer): Buffer {
    if (this.#bytes === 0) return last
    const line = Buffer.concat([...this.#parts, last])
    this.#parts = []
    this.#bytes = 0
    return line
  }
}

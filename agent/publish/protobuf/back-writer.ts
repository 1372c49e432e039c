import { putVarint, varintBytes } from "./wire.ts"

const SHORT = 96

/**
 * Writes protobuf from the end to the beginning, so that the length of a message is known when it has to be written. One
 * buffer, used again and again. Whatever comes first in the bytes is put last. Tags are below 128.
 */
export class BackWriter {
  #bytes = Buffer.allocUnsafeSlow(65_536)
  #at = this.#bytes.length

  /** Forgets all; bytes that were given out may change from now on. */
  reset(): void {
    this.#at = this.#bytes.length
  }

  /** How much was written. */
  get length(): number {
    return this.#bytes.length - this.#at
  }

  /** What was written; good until `reset`. */
  get bytes(): Buffer {
    return this.#bytes.subarray(this.#at)
  }

  text(tag: number, value: string): void {
    if (value.length <= SHORT && this.#ascii(value)) {
      this.#head(tag, value.length)
      return
    }
    const length = Buffer.byteLength(value)
    this.#room(length)
    this.#at -= length
    this.#bytes.write(value, this.#at, length)
    this.#head(tag, length)
  }

  /** @param digits hexadecimal, an even number */
  hex(tag: number, digits: string): void {
    const length = digits.length / 2
    this.#room(length)
    this.#at -= length
    this.#bytes.write(digits, this.#at, length, "hex")
    this.#head(tag, length)
  }

  /** Closes a message whose fields were put since `length` was `before`. */
  message(tag: number, before: number): void {
    this.#room(0)
    this.#head(tag, this.length - before)
  }

  /** A whole number, 0 or more, exact. */
  varint(tag: number, value: number): void {
    this.#room(0)
    this.#varint(value)
    this.#bytes[--this.#at] = tag
  }

  /** `int64`: a negative number takes ten bytes. */
  signed(tag: number, value: number): void {
    if (value >= 0) {
      this.varint(tag, value)
      return
    }
    this.#room(0)
    let rest = BigInt.asUintN(64, BigInt(value))
    const bytes: number[] = []
    for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
    bytes.push(Number(rest))
    this.#at -= bytes.length
    this.#bytes.set(bytes, this.#at)
    this.#bytes[--this.#at] = tag
  }

  double(tag: number, value: number): void {
    this.#room(0)
    this.#at -= 8
    this.#bytes.writeDoubleLE(value, this.#at)
    this.#bytes[--this.#at] = tag
  }

  /** `fixed64` of nanoseconds, from whole microseconds. */
  nanos(tag: number, us: number): void {
    this.#room(0)
    const low = (us % 2 ** 32) * 1000
    const high = Math.floor(us / 2 ** 32) * 1000 + Math.floor(low / 2 ** 32)
    this.#at -= 8
    this.#bytes.writeUInt32LE(low % 2 ** 32, this.#at)
    this.#bytes.writeUInt32LE(high, this.#at + 4)
    this.#bytes[--this.#at] = tag
  }

  /** Short ASCII, as nearly all texts are, takes a third of the time by hand. Answers false where it is something else. */
  #ascii(value: string): boolean {
    this.#room(SHORT)
    const bytes = this.#bytes
    let at = this.#at
    for (let index = value.length - 1; index >= 0; index--) {
      const unit = value.charCodeAt(index)
      if (unit > 127) return false
      bytes[--at] = unit
    }
    this.#at = at
    return true
  }

  #head(tag: number, length: number): void {
    this.#varint(length)
    this.#bytes[--this.#at] = tag
  }

  #varint(value: number): void {
    this.#at -= varintBytes(value)
    putVarint(this.#bytes, this.#at, value)
  }

  /** Room for so many bytes and what a field needs beside them. */
  #room(length: number): void {
    const wanted = length + 24
    if (wanted <= this.#at) return
    const used = this.length
    const bigger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, used + wanted))
    this.#bytes.copy(bigger, bigger.length - used, this.#at)
    this.#bytes = bigger
    this.#at = bigger.length - used
  }
}

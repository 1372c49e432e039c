import type { AccessFact } from "#mesh/access.ts"

const WAYS = 2
const FIRST_SETS = 64
const LAST_SETS = 512
/** Room for the fields of one key; a longer request is resolved each time. */
const KEY_BYTES = 256

/** A field of the key. `cut`: it is a path, of which only what stands before the query counts. */
export interface KeyField {
  readonly field: number
  readonly cut: boolean
}

/**
 * What was found for requests that look the same to the route table, by the very bytes of the line. A hit makes no
 * object. Bounded: at most 1,024 keys of 256 bytes, in one block that grows when it proves too small, so that an idle
 * proxy costs next to nothing. A stranger can make it miss, not grow.
 */
export class RouteCache<T> {
  readonly #fields: Int32Array
  readonly #cuts: Uint8Array
  #sets = FIRST_SETS
  #keys: Buffer | undefined
  #lengths = new Uint16Array(FIRST_SETS * WAYS)
  /** Tells apart requests that differ in more than their bytes (side, cluster); also in the hash. */
  #selectors = new Float64Array(FIRST_SETS * WAYS)
  #values: (T | undefined)[] = []
  #evictions = 0
  /** End of each field of the line last looked up; -1 for an absent one. */
  readonly #ends: Int32Array
  #hash = 0
  #length = 0
  #selector = 0

  constructor(fields: readonly KeyField[]) {
    this.#fields = Int32Array.from(fields, ({ field }) => field)
    this.#cuts = Uint8Array.from(fields, ({ cut }) => (cut ? 1 : 0))
    this.#ends = new Int32Array(fields.length)
  }

  /** What was stored for the same bytes and selector; `store` puts a value for the line last looked up. */
  find(fact: AccessFact, selector: number): T | undefined {
    this.#selector = selector
    this.#measure(fact)
    if (this.#keys === undefined || this.#length > KEY_BYTES) return undefined
    const first = (this.#hash & (this.#sets - 1)) * WAYS
    if (this.#isAt(first, fact)) return this.#values[first]
    return this.#isAt(first + 1, fact) ? this.#values[first + 1] : undefined
  }

  #measure(fact: AccessFact): void {
    const { bytes, spans } = fact
    let hash = 0x811c9dc5 ^ this.#selector
    let length = 0
    for (let index = 0; index < this.#fields.length; index += 1) {
      const field = this.#fields[index] ?? 0
      const cut = this.#cuts[index] === 1
      const start = spans[field * 2] ?? -1
      hash = Math.imul(hash ^ 0x1ff, 0x01000193)
      length += 2
      let at = start
      if (start >= 0) {
        const end = spans[field * 2 + 1] ?? start
        for (; at < end; at += 1) {
          const byte = bytes[at] ?? 0
          if (cut && (byte === 0x3f || byte === 0x23)) break
          hash = Math.imul(hash ^ byte, 0x01000193)
        }
        length += at - start
      }
      this.#ends[index] = at
    }
    this.#hash = hash ^ (hash >>> 15)
    this.#length = length
  }

  #isAt(slot: number, fact: AccessFact): boolean {
    const keys = this.#keys
    if (
      keys === undefined ||
      this.#lengths[slot] !== this.#length ||
      this.#selectors[slot] !== this.#selector
    ) {
      return false
    }
    const { bytes, spans } = fact
    let at = slot * KEY_BYTES
    for (let index = 0; index < this.#fields.length; index += 1) {
      const start = spans[(this.#fields[index] ?? 0) * 2] ?? -1
      const size = start < 0 ? ABSENT : (this.#ends[index] ?? start) - start
      if (keys[at] !== (size & 0xff) || keys[at + 1] !== size >>> 8) return false
      at += 2
      if (start < 0) continue
      for (let offset = 0; offset < size; offset += 1)
        if (keys[at + offset] !== bytes[start + offset]) return false
      at += size
    }
    return true
  }

  store(fact: AccessFact, value: T): void {
    if (this.#length > KEY_BYTES) return
    const keys = this.#room()
    const first = (this.#hash & (this.#sets - 1)) * WAYS
    if (this.#values[first] !== undefined) {
      if (this.#values[first + 1] !== undefined) this.#evictions += 1
      keys.copyWithin((first + 1) * KEY_BYTES, first * KEY_BYTES, first * KEY_BYTES + KEY_BYTES)
      this.#lengths[first + 1] = this.#lengths[first] ?? 0
      this.#selectors[first + 1] = this.#selectors[first] ?? 0
      this.#values[first + 1] = this.#values[first]
    }
    this.#write(keys, first, fact)
    this.#values[first] = value
  }

  #write(keys: Buffer, slot: number, fact: AccessFact): void {
    const { bytes, spans } = fact
    this.#lengths[slot] = this.#length
    this.#selectors[slot] = this.#selector
    let at = slot * KEY_BYTES
    for (const [index, field] of this.#fields.entries()) {
      const start = spans[field * 2] ?? -1
      const size = start < 0 ? ABSENT : (this.#ends[index] ?? start) - start
      keys.writeUInt16LE(size, at)
      at += 2
      if (start >= 0) at += bytes.copy(keys, at, start, start + size)
    }
  }

  /** The block of keys: made at the first value, doubled (and emptied) when values push each other out. */
  #room(): Buffer {
    if (this.#keys !== undefined && (this.#evictions < this.#sets * WAYS || this.#sets === LAST_SETS)) {
      return this.#keys
    }
    if (this.#keys !== undefined) this.#sets *= 2
    this.#evictions = 0
    this.#lengths = new Uint16Array(this.#sets * WAYS)
    this.#selectors = new Float64Array(this.#sets * WAYS)
    this.#values = Array.from({ length: this.#sets * WAYS }, () => undefined)
    this.#keys = Buffer.alloc(this.#sets * WAYS * KEY_BYTES)
    return this.#keys
  }
}

/** Length that no field can have in a key of 256 bytes. */
const ABSENT = 0xffff

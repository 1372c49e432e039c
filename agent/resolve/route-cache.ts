import type { PathClasses } from "./route-table/path-classes.ts"
import { hashWords, pathStop, sameWords } from "./words.ts"

const FIRST_SLOTS = 128
const LAST_SLOTS = 1024
/** How far from its place a key may stand. */
const WINDOW = 8
/** Room for the fields of one key; a longer request is resolved each time. */
const KEY_BYTES = 256
/** A key has an integer per field, and bytes behind those that say how many: 0 or more. */
const MARK_BYTES = 4
const ABSENT = -1
/** This minus the class of a path. */
const CLASSED = -2

/**
 * A field of the key. `cut`: it is a path, of which only what stands before the query counts; where paths have classes,
 * only its class.
 */
export interface KeyField {
  readonly field: number
  readonly cut: boolean
}

/**
 * What was found for requests that look the same to the route table: by the class of their path where paths have
 * classes, else by the very bytes of the line. A hit makes no object. Bounded: at most 1,024 keys of 256 bytes, in one block that grows when it proves too small, so that an idle
 * proxy costs next to nothing. A stranger can make it miss, not grow.
 */
export class RouteCache<T> {
  readonly #fields: Int32Array
  readonly #cuts: Uint8Array
  readonly #classes: PathClasses | undefined
  #slots = 0
  #used = 0
  #keys = new DataView(new ArrayBuffer(0))
  #hashes = new Int32Array(0)
  #lengths = new Uint16Array(0)
  /** Tells apart requests that differ in more than their bytes (side, cluster); also in the hash. */
  #selectors = new Float64Array(0)
  #values: (T | undefined)[] = []
  /** Which of a full window is pushed out next. */
  #turn = 0
  /** Of the line last looked up: mark of each field, hash and length of its key. */
  readonly #marks: Int32Array
  #hash = 0
  #length = 0
  #selector = 0

  /** @param classes of paths, where the table looks at nothing else of them */
  constructor(fields: readonly KeyField[], classes?: PathClasses) {
    this.#classes = classes
    this.#fields = Int32Array.from(fields, ({ field }) => field)
    this.#cuts = Uint8Array.from(fields, ({ cut }) => (cut ? 1 : 0))
    this.#marks = new Int32Array(fields.length)
  }

  /**
   * What was stored for the same bytes and selector; `store` puts a value for the line last looked up.
   * @param spans `[start, end)` pairs of the line's fields, into `view`
   */
  find(view: DataView, spans: Int32Array, selector: number): T | undefined {
    this.#selector = selector
    this.#measure(view, spans)
    if (this.#used === 0) return undefined
    const hash = this.#hash
    for (let step = 0; step < WINDOW; step += 1) {
      const slot = (hash + step) & (this.#slots - 1)
      const value = this.#values[slot]
      if (value === undefined) return undefined
      if (this.#hashes[slot] === hash && this.#isAt(slot, view, spans)) return value
    }
    return undefined
  }

  /** Marks of the fields, and length and hash of the key. */
  #measure(view: DataView, spans: Int32Array): void {
    const marks = this.#marks
    let hash = this.#selector | 0
    let length = marks.length * MARK_BYTES
    for (let index = 0; index < marks.length; index += 1) {
      const field = this.#fields[index] ?? 0
      const start = spans[field * 2] ?? -1
      marks[index] = ABSENT
      if (start < 0) continue
      let end = spans[field * 2 + 1] ?? start
      if (this.#cuts[index] === 1) {
        const known = this.#classes?.of(view, start, end) ?? -1
        if (known >= 0) {
          marks[index] = CLASSED - known
          hash = Math.imul(hash ^ known, 0x9e3779b1)
          continue
        }
        end = pathStop(view, start, end)
      }
      marks[index] = end - start
      hash = hashWords(view, start, end, hash)
      length += end - start
    }
    this.#hash = hash
    this.#length = length
  }

  #isAt(slot: number, view: DataView, spans: Int32Array): boolean {
    if (this.#lengths[slot] !== this.#length || this.#selectors[slot] !== this.#selector) return false
    const keys = this.#keys
    const marks = this.#marks
    let at = slot * KEY_BYTES
    for (let index = 0; index < marks.length; index += 1) {
      const mark = marks[index] ?? ABSENT
      if (keys.getInt32(at, true) !== mark) return false
      at += MARK_BYTES
      if (mark <= 0) continue
      if (!sameWords(keys, at, view, spans[(this.#fields[index] ?? 0) * 2] ?? 0, mark)) return false
      at += mark
    }
    return true
  }

  store(view: DataView, spans: Int32Array, value: T): void {
    if (this.#length > KEY_BYTES) return
    if (this.#used * 2 >= this.#slots && this.#slots < LAST_SLOTS) this.#grow()
    const slot = this.#slotFor(this.#hash)
    if (this.#values[slot] === undefined) this.#used += 1
    this.#values[slot] = value
    this.#hashes[slot] = this.#hash
    this.#lengths[slot] = this.#length
    this.#selectors[slot] = this.#selector
    this.#write(slot * KEY_BYTES, view, spans)
  }

  #slotFor(hash: number): number {
    for (let step = 0; step < WINDOW; step += 1) {
      const slot = (hash + step) & (this.#slots - 1)
      if (this.#values[slot] === undefined) return slot
    }
    this.#turn = (this.#turn + 1) & (WINDOW - 1)
    return (hash + this.#turn) & (this.#slots - 1)
  }

  #write(start: number, view: DataView, spans: Int32Array): void {
    const keys = this.#keys
    let at = start
    for (const [index, mark] of this.#marks.entries()) {
      keys.setInt32(at, mark, true)
      at += MARK_BYTES
      const from = spans[(this.#fields[index] ?? 0) * 2] ?? 0
      for (let offset = 0; offset < mark; offset += 1)
        keys.setUint8(at + offset, view.getUint8(from + offset))
      at += Math.max(0, mark)
    }
  }

  /** Twice the room, empty: what is asked for again comes back by itself. */
  #grow(): void {
    this.#slots = this.#slots === 0 ? FIRST_SLOTS : this.#slots * 2
    this.#used = 0
    this.#keys = new DataView(new ArrayBuffer(this.#slots * KEY_BYTES))
    this.#hashes = new Int32Array(this.#slots)
    this.#lengths = new Uint16Array(this.#slots)
    this.#selectors = new Float64Array(this.#slots)
    this.#values = Array.from({ length: this.#slots }, () => undefined)
  }
}

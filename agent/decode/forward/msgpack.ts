import { MeshscopeError } from "#mesh/errors.ts"

/** What a value is (github.com/msgpack/msgpack/blob/master/spec.md). Strings and binaries are one: both hold bytes. */
export const Pack = { nil: 0, bool: 1, int: 2, float: 3, bytes: 4, array: 5, map: 6, ext: 7 } as const

/** Where the value that was read last lies. */
export interface Head {
  kind: number
  /** First byte of what follows the head: bytes of a number, of a text; the first member of an array or map. */
  body: number
  /** Bytes of the body; of an array or map, how many members (pairs) follow. */
  size: number
}

const makeHead = (): Head => ({ kind: Pack.nil, body: 0, size: 0 })

/** `why` ends the sentence "The message ...". */
export function malformed(why: string, at: number): MeshscopeError {
  return new MeshscopeError("INTAKE_MALFORMED", `The message ${why} at byte ${at}.`)
}

/** Kind, bytes of the length (0: `size` is fixed), fixed size; from 0xc0 to 0xdf. */
const FORMS: readonly (readonly [kind: number, lengthBytes: number, size: number] | undefined)[] = [
  [Pack.nil, 0, 0],
  undefined,
  [Pack.bool, 0, 0],
  [Pack.bool, 0, 0],
  [Pack.bytes, 1, 0],
  [Pack.bytes, 2, 0],
  [Pack.bytes, 4, 0],
  [Pack.ext, 1, 1],
  [Pack.ext, 2, 1],
  [Pack.ext, 4, 1],
  [Pack.float, 0, 4],
  [Pack.float, 0, 8],
  [Pack.int, 0, 1],
  [Pack.int, 0, 2],
  [Pack.int, 0, 4],
  [Pack.int, 0, 8],
  [Pack.int, 0, 1],
  [Pack.int, 0, 2],
  [Pack.int, 0, 4],
  [Pack.int, 0, 8],
  [Pack.ext, 0, 2],
  [Pack.ext, 0, 3],
  [Pack.ext, 0, 5],
  [Pack.ext, 0, 9],
  [Pack.ext, 0, 17],
  [Pack.bytes, 1, 0],
  [Pack.bytes, 2, 0],
  [Pack.bytes, 4, 0],
  [Pack.array, 2, 0],
  [Pack.array, 4, 0],
  [Pack.map, 2, 0],
  [Pack.map, 4, 0],
]

/**
 * Reads the head of the value at `at`. The body is not looked at: it may not be there yet.
 * @returns false where the head itself is not whole
 * @throws MeshscopeError INTAKE_MALFORMED (0xc1, which no value begins with)
 */
function readHead(bytes: Buffer, at: number, end: number, head: Head): boolean {
  if (at >= end) return false
  const first = bytes[at] ?? 0
  head.body = at + 1
  if (first < 0xc0 || first >= 0xe0) {
    const [kind, size] = fixed(first)
    head.kind = kind
    head.size = size
    return true
  }
  const form = FORMS[first - 0xc0]
  if (form === undefined) throw malformed("holds a byte that no value begins with", at)
  const [kind, lengthBytes, size] = form
  if (at + 1 + lengthBytes > end) return false
  head.kind = kind
  head.body = at + 1 + lengthBytes
  head.size = lengthBytes === 0 ? size : bytes.readUIntBE(at + 1, lengthBytes) + size
  return true
}

function fixed(first: number): readonly [kind: number, size: number] {
  if (first < 0x80 || first >= 0xe0) return SMALL
  if (first < 0x90) return [Pack.map, first & 15]
  return first < 0xa0 ? [Pack.array, first & 15] : [Pack.bytes, first & 31]
}
const SMALL = [Pack.int, 0] as const

/** How many values follow a head before it is whole, and how many bytes. */
const membersOf = ({ kind, size }: Head): number =>
  kind === Pack.array ? size : kind === Pack.map ? size * 2 : 0
const bytesOf = ({ kind, size }: Head): number => (kind === Pack.array || kind === Pack.map ? 0 : size)

/** Finds the end of a value whose bytes come in pieces, each byte looked at once. No nesting is too deep for it. */
export class ValueEnd {
  readonly #most: number
  readonly #head = makeHead()
  /** Values that are to come. */
  #left = 1
  #at = 0

  /** @param most bytes of the largest value */
  constructor(most: number) {
    this.#most = most
  }

  /**
   * @param end what is there of the value that begins at `start`
   * @returns its end, or -1 while it is not whole
   * @throws MeshscopeError INTAKE_TOO_LARGE, INTAKE_MALFORMED
   */
  find(bytes: Buffer, start: number, end: number): number {
    while (this.#left > 0) {
      if (!readHead(bytes, start + this.#at, end, this.#head)) break
      const members = membersOf(this.#head)
      this.#at = this.#head.body + bytesOf(this.#head) - start
      this.#left += members - 1
      // Each value that is to come has a byte at least.
      if (this.#at + this.#left > this.#most)
        throw new MeshscopeError("INTAKE_TOO_LARGE", `A message has more than ${this.#most} bytes.`)
    }
    if (this.#left > 0 || start + this.#at > end) return -1
    const found = start + this.#at
    this.#left = 1
    this.#at = 0
    return found
  }
}

/** Reads the values of one whole message, each at most once. */
export class PackReader {
  readonly bytes: Buffer
  at: number
  readonly end: number
  readonly head = makeHead()

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  /** Reads a head; the body of an array or map is what is read next. @throws MeshscopeError INTAKE_MALFORMED */
  next(): Head {
    const { head } = this
    if (!readHead(this.bytes, this.at, this.end, head)) throw malformed("breaks off", this.at)
    const stop = head.body + bytesOf(head)
    // A member has a byte at least, so that no count makes anybody wait.
    if (stop + membersOf(head) > this.end) throw malformed("holds a length that points outside", this.at)
    this.at = stop
    return head
  }

  /** Steps over one value with all that is in it. */
  skip(): void {
    for (let left = 1; left > 0; left--) left += membersOf(this.next())
  }

  /** A text or binary; undefined for any other value, which is stepped over. */
  text(): string | undefined {
    const start = this.at
    const { kind, body, size } = this.next()
    if (kind === Pack.bytes) return this.bytes.toString("utf8", body, body + size)
    this.at = start
    this.skip()
    return undefined
  }
}

import type { Content } from "./content.ts"

/** What is remembered of some bytes: how many, and their hash. Enough to know a file again, of no use to read it. */
export interface Print {
  readonly length: number
  readonly hash: string
}
export const NO_PRINT: Print = { length: 0, hash: "" }

/** Bytes at the start of a file that tell it from others; a log line with its time is longer. */
export const HEAD_BYTES = 256
/** Bytes before the position that must still be there at the next read. */
export const CHECK_BYTES = 64

/** 64 bits of FNV-1a by two seeds. Against chance, not against malice: a pod can only confuse its own log. */
export function printOf(bytes: Buffer, start: number, end: number): Print {
  if (end <= start) return NO_PRINT
  let first = 0x811c9dc5
  let second = 0x2f0b4f37
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0
    first = Math.imul(first ^ byte, 0x01000193)
    second = Math.imul(second ^ byte, 0x01000193) ^ (second >>> 15)
  }
  return {
    length: end - start,
    hash: (first >>> 0).toString(36) + (second >>> 0).toString(36).padStart(7, "0"),
  }
}

export function samePrint(one: Print, other: Print): boolean {
  return one.length === other.length && one.hash === other.hash
}

const scratch = Buffer.alloc(HEAD_BYTES)

/** The print of up to `HEAD_BYTES` bytes from `position` on. Throws what reading throws. */
export function printAt(content: Content, position: number, length: number): Print {
  let filled = 0
  const wanted = Math.min(length, HEAD_BYTES)
  while (filled < wanted) {
    const got = content.read(scratch, filled, wanted - filled, position + filled)
    if (got === 0) break
    filled += got
  }
  return printOf(scratch, 0, filled)
}

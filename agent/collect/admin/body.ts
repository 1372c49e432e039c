/**
 * Buffers for bodies, shared by all clients: a body lives in one while it arrives and while its reader looks at it.
 * They grow by doubling and are used again; a very large one is let go, so that one big page does not stay resident,
 * and so are those that only a rush needed, such as the first look at every proxy.
 */
export interface BodyPool {
  take(): Buffer
  give(buffer: Buffer): void
}

const FIRST_BYTES = 64 * 1024
const KEEP_BYTES = 8 * 1024 * 1024
/** After so many bodies, buffers that none of them needed are let go. */
const LOOK_AFTER = 100

export function makeBodyPool(keep = 8): BodyPool {
  const free: Buffer[] = []
  let taken = 0
  let unused = Number.POSITIVE_INFINITY
  const trim = (): void => {
    // The end is taken first: what lies at the beginning was not touched
    free.splice(0, Math.min(unused, free.length))
    taken = 0
    unused = Number.POSITIVE_INFINITY
  }
  return {
    take() {
      const buffer = free.pop() ?? Buffer.allocUnsafeSlow(FIRST_BYTES)
      unused = Math.min(unused, free.length)
      taken += 1
      if (taken === LOOK_AFTER) trim()
      return buffer
    },
    give(buffer) {
      if (free.length < keep && buffer.length <= KEEP_BYTES) free.push(buffer)
    },
  }
}

/** `buffer` if it holds `bytes`, else a bigger one with the first `used` bytes copied. */
export function roomFor(buffer: Buffer, bytes: number, used: number): Buffer {
  if (buffer.length >= bytes) return buffer
  let size = buffer.length
  while (size < bytes) size *= 2
  const bigger = Buffer.allocUnsafeSlow(size)
  buffer.copy(bigger, 0, 0, used)
  return bigger
}

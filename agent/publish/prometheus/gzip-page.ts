import { promisify } from "node:util"
import { constants, crc32, createDeflateRaw, deflateRaw } from "node:zlib"
import type { Page } from "./page.ts"

const deflate = promisify(deflateRaw)

/** A page's bytes compressed but not ended, with what the end of a gzip member needs to know. */
export interface PackedPage {
  readonly generation: number
  readonly zeroFrom: number
  readonly packed: readonly Buffer[]
  readonly checksum: number
  readonly bytes: number
}

/** RFC 1952: magic, deflate, no flags, no time, fastest, Unix. */
const GZIP_HEAD = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 3])

/** Compresses the kept text once per commit, in the thread pool. The page may be released when this resolves. */
export async function packPage(page: Page): Promise<PackedPage> {
  const stream = createDeflateRaw({ level: 1, finishFlush: constants.Z_SYNC_FLUSH })
  const packed: Buffer[] = []
  const done = new Promise<void>((resolve, reject) => {
    stream.on("data", (chunk: Buffer) => packed.push(chunk))
    stream.on("end", resolve)
    stream.on("error", reject)
  })
  let checksum = 0
  for (const part of page.parts) {
    checksum = crc32(part, checksum)
    stream.write(part)
  }
  stream.end()
  await done
  return { generation: page.generation, zeroFrom: page.zeroFrom, packed, checksum, bytes: page.bytes }
}

/** One gzip member of a packed page and a tail that changes with each answer. */
export async function gzipWithTail(page: PackedPage, tail: Buffer): Promise<Buffer[]> {
  const end = Buffer.alloc(8)
  end.writeUInt32LE(crc32(tail, page.checksum), 0)
  end.writeUInt32LE((page.bytes + tail.length) % 2 ** 32, 4)
  return [GZIP_HEAD, ...page.packed, await deflate(tail, { level: 1 }), end]
}

import { createHash } from "node:crypto"
import { promisify } from "node:util"
import { gzip } from "node:zlib"
import type { Context } from "hono"

interface Kept {
  readonly etag: string
  readonly plain: Uint8Array<ArrayBuffer>
  /** Made when somebody first takes it. */
  zipped: Promise<Uint8Array<ArrayBuffer>> | undefined
}

/** Answers of one generation by their whole question. */
export interface ReplyCache {
  generation: string
  readonly kept: Map<string, Promise<Kept | undefined>>
  bytes: number
}

const MOST_BYTES = 64 * 1024 * 1024
const ZIP_FROM = 1024
const compress = promisify(gzip)

export function makeReplyCache(): ReplyCache {
  return { generation: "", kept: new Map(), bytes: 0 }
}

/**
 * Answers with JSON that is made, written and compressed once per generation and question; 304 where the caller has it.
 * `question` must name everything that the answer depends on. undefined from `make`: 404.
 */
export async function reply(
  c: Context,
  cache: ReplyCache,
  generation: string,
  question: string,
  make: () => Promise<object | undefined>,
): Promise<Response> {
  if (cache.generation !== generation || cache.bytes > MOST_BYTES) {
    cache.kept.clear()
    cache.bytes = 0
    cache.generation = generation
  }
  const known = cache.kept.get(question) ?? keep(cache, generation, question, make)
  const kept = await known
  if (kept === undefined) return c.json({ error: "There is no such route.", problems: [] }, 404)
  const headers = { etag: kept.etag, "cache-control": "no-cache", vary: "accept-encoding" }
  if (holds(c.req.header("if-none-match"), kept.etag)) return c.body(null, 304, headers)
  const typed = { ...headers, "content-type": "application/json" }
  if (!accepts(c.req.header("accept-encoding")) || kept.plain.length < ZIP_FROM)
    return c.body(kept.plain, 200, typed)
  kept.zipped ??= compress(kept.plain, { level: 1 }).then((bytes) => Uint8Array.from(bytes))
  return c.body(await kept.zipped, 200, { ...typed, "content-encoding": "gzip" })
}

function keep(
  cache: ReplyCache,
  generation: string,
  question: string,
  make: () => Promise<object | undefined>,
): Promise<Kept | undefined> {
  const made = make().then((answer) => {
    if (answer === undefined) return undefined
    const plain = new TextEncoder().encode(JSON.stringify(answer))
    cache.bytes += plain.length * 2
    const digest = createHash("sha256").update(question).digest("base64url").slice(0, 12)
    return { etag: `"${generation}-${digest}"`, plain, zipped: undefined }
  })
  cache.kept.set(question, made)
  // A failure is not an answer to keep; the caller gets it by its own await.
  made.catch(() => cache.kept.delete(question))
  return made
}

/** Weak or strong, one or several, or `*`. */
export function holds(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  return header.split(",").some((part) => part.trim().replace(/^W\//, "") === etag || part.trim() === "*")
}

/** Whether a caller takes gzip. */
export function accepts(header: string | undefined): boolean {
  return (header ?? "")
    .split(",")
    .some((part) => /^\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*$)[\d.]+\s*)?$/.test(part))
}

import type { IncomingMessage, ServerResponse } from "node:http"
import type { Snapshot } from "#mesh/snapshot.ts"
import { type Exposition, makeExposition } from "./exposition.ts"
import { gzipWithTail, type PackedPage, packPage } from "./gzip-page.ts"
import { acceptedFormat, acceptsGzip } from "./negotiate.ts"
import { asOpenMetrics } from "./own-text.ts"
import type { Page } from "./page.ts"
import { makeScrapers, type Reader, STRANGER } from "./scrapers.ts"
import { CONTENT_TYPES, type Format } from "./text.ts"

export interface MetricsHandlerDeps {
  readonly snapshot: Snapshot
  /** The agent's own metrics: a prom-client registry in its default (0.0.4) content type. */
  readonly own?: { metrics(): Promise<string> }
  /** Answers under way at once; more get 503. Each may hold a copy of the text. Default 8. */
  readonly maxConcurrent?: number
}

/** What the handler counts; plain numbers. */
export interface MetricsHandlerCounters {
  readonly scrapes: number
  readonly failures: number
  readonly refused: number
  readonly lastMs: number
  readonly lastBytes: number
}

export interface MetricsHandler {
  /** For `GET /metrics` of a `node:http` server. Never rejects. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>
  readonly counters: MetricsHandlerCounters
}

/** Serves what was committed, in the format and encoding that the scraper asks for. */
export function makeMetricsHandler(deps: MetricsHandlerDeps): MetricsHandler {
  const counters = { scrapes: 0, failures: 0, refused: 0, lastMs: 0, lastBytes: 0 }
  const formats = new Map<Format, FormatPages>()
  const scrapers = makeScrapers()
  const limit = deps.maxConcurrent ?? 8
  let underWay = 0
  const pagesOf = (format: Format): FormatPages => {
    const known = formats.get(format)
    if (known !== undefined) return known
    const made = makeFormatPages(makeExposition(deps.snapshot, format))
    formats.set(format, made)
    return made
  }
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const started = performance.now()
    const format = acceptedFormat(request.headers.accept)
    const tail = await tailOf(deps.own, format)
    const head = { "content-type": CONTENT_TYPES[format], vary: "accept, accept-encoding" }
    const zipped = acceptsGzip(request.headers["accept-encoding"]?.toString())
    const reader = request.method === "GET" ? scrapers.reader(request) : STRANGER
    const body = await pagesOf(format).answer(tail, zipped, reader)
    try {
      const length = body.parts.reduce((bytes, part) => bytes + part.length, 0)
      response.writeHead(200, {
        ...head,
        ...(zipped ? { "content-encoding": "gzip" } : {}),
        "content-length": length,
      })
      const whole = await send(response, request.method === "HEAD" ? [] : body.parts)
      if (whole) reader.got(body.generation)
      counters.lastBytes = length
      counters.lastMs = performance.now() - started
    } finally {
      body.release()
    }
  }
  return {
    counters,
    async handle(request, response) {
      if (request.method !== "GET" && request.method !== "HEAD") {
        response.writeHead(405, { allow: "GET, HEAD" }).end()
        return
      }
      if (underWay >= limit) {
        counters.refused++
        response.writeHead(503, { "retry-after": "1" }).end()
        return
      }
      underWay++
      counters.scrapes++
      try {
        await answer(request, response)
      } catch {
        counters.failures++
        if (response.headersSent) response.destroy()
        else response.writeHead(500).end()
      } finally {
        underWay--
      }
    },
  }
}

interface FormatPages {
  answer(tail: Buffer, zipped: boolean, reader: Reader): Promise<Body>
}

interface Body extends Pick<Page, "generation" | "release"> {
  readonly parts: readonly Buffer[]
}

/** One format's text, and its compressed form for as long as no commit comes. */
function makeFormatPages(exposition: Exposition): FormatPages {
  const packTrue = makePacker()
  const packZeroed = makePacker()
  return {
    async answer(tail, zipped, reader) {
      const page = await exposition.page((newest) => reader.knows(newest))
      const { generation } = page
      if (!zipped) return { generation, parts: [...page.parts, tail], release: () => page.release() }
      try {
        const packed = await (page.zeroFrom === Infinity ? packTrue : packZeroed)(page)
        return { generation, parts: await gzipWithTail(packed, tail), release: () => undefined }
      } finally {
        page.release()
      }
    },
  }
}

/** Compresses a page, or answers what the last one became when this one is the same. */
function makePacker(): (page: Page) => Promise<PackedPage> {
  let last: (Pick<Page, "generation" | "zeroFrom"> & { readonly packed: Promise<PackedPage> }) | undefined
  return (page) => {
    const { generation, zeroFrom } = page
    if (last?.generation === generation && last.zeroFrom === zeroFrom) return last.packed
    const packed = packPage(page)
    const made = { generation, zeroFrom, packed }
    last = made
    packed.catch(() => {
      if (last === made) last = undefined
    })
    return packed
  }
}

async function tailOf(own: MetricsHandlerDeps["own"], format: Format): Promise<Buffer> {
  const text = own === undefined ? "" : await own.metrics()
  return Buffer.from(format === "openmetrics" ? `${asOpenMetrics(text)}# EOF\n` : text)
}

/** An answer that takes longer is cut off: a slow reader holds a copy of the text. */
const MAX_SEND_MS = 60_000

/** Answers whether everything was handed to the kernel, when it was or the connection is gone. */
function send(response: ServerResponse, parts: readonly Buffer[]): Promise<boolean> {
  return new Promise((resolve) => {
    if (response.destroyed) {
      resolve(false)
      return
    }
    const limit = setTimeout(() => response.destroy(), MAX_SEND_MS).unref()
    response.once("close", () => {
      clearTimeout(limit)
      resolve(response.writableFinished)
    })
    for (const part of parts) response.write(part)
    response.end()
  })
}

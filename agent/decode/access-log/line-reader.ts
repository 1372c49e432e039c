import type { AccessFact } from "#mesh/access.ts"
import type { AccessLogFormat } from "#mesh/proxy.ts"
import { classifyLine, LineKind } from "./classify.ts"
import { compileFormat } from "./compile.ts"
import { type AccessLogDecoder, DecodeResult } from "./decoder.ts"

/** What one line of a container's log turned out to be. */
export const LineResult = {
  /** One request or connection: the reader's `fact` holds it. */
  access: 0,
  /** An access line of a request that goes on; not to be counted. */
  intermediate: 1,
  envoyLog: 2,
  agentLog: 3,
  outlierEvent: 4,
  /** Something else, e.g. of another program in the container. */
  other: 5,
  /** The beginning of an access line, but not a whole one: to be counted as a drop. */
  malformed: 6,
} as const

/** An access logger that writes to the file: its format, and the kind of filter it belongs to. */
export interface FileLogger {
  readonly format: AccessLogFormat
  readonly kind: "http" | "tcp"
}

const OPEN = 123
const AFTER_CLASSIFY: Readonly<Record<number, number>> = {
  [LineKind.envoyLog]: LineResult.envoyLog,
  [LineKind.agentLog]: LineResult.agentLog,
  [LineKind.outlierEvent]: LineResult.outlierEvent,
  [LineKind.other]: LineResult.other,
}

/**
 * Reads the lines of one file that several loggers may write to, together with everything else that lands in a
 * container's output. The first byte decides between JSON and text formats. A JSON line never has a key that its format
 * lacks, so formats with few fields are tried first. A text line is shown to all text formats: where two can read it, a
 * stranger may have written it to look like the other one, and it is doubtful.
 */
export class LineReader {
  /** The decoder that took the last access line; its `fact` is that line. */
  decoder: AccessLogDecoder
  /** Different formats in this file; a format that two loggers share counts once, unless its lines do not tell requests from connections. */
  readonly decoders: readonly AccessLogDecoder[]
  readonly #json: readonly AccessLogDecoder[]
  readonly #text: readonly AccessLogDecoder[]

  /** @param loggers without any: Envoy's default format is assumed, as for proxies whose dump cannot be read */
  constructor(loggers: readonly FileLogger[]) {
    const wanted: readonly FileLogger[] =
      loggers.length > 0 ? loggers : [{ format: { kind: "default" }, kind: "http" }]
    const distinct = new Map<string, { json: boolean; decoder: AccessLogDecoder }>()
    for (const { format, kind } of wanted) {
      const decoder = compileFormat(format, kind)
      const key = JSON.stringify([format, decoder.tellsKind ? "" : kind])
      if (!distinct.has(key)) distinct.set(key, { json: format.kind === "json", decoder })
    }
    const compiled = [...distinct.values()]
    const byFields = compiled.toSorted((a, b) => fieldCount(a.decoder) - fieldCount(b.decoder))
    this.decoders = byFields.map((entry) => entry.decoder)
    this.#json = byFields.filter((entry) => entry.json).map((entry) => entry.decoder)
    this.#text = byFields.filter((entry) => !entry.json).map((entry) => entry.decoder)
    this.decoder = this.decoders[0] ?? compileFormat({ kind: "default" }, "http")
  }

  /** The last access line. A view: see `AccessLogDecoder.fact`. */
  get fact(): AccessFact {
    return this.decoder.fact
  }

  /** Reads one line without its newline; answers a `LineResult`. Never throws. */
  read(bytes: Buffer, start: number, end: number): number {
    // A text format may begin with a brace too, so text decoders see what no JSON decoder took.
    let malformed = false
    if (start < end && bytes[start] === OPEN) {
      const result = this.#tryJson(bytes, start, end)
      if (result <= DecodeResult.intermediate) return result
      malformed = result === DecodeResult.malformed
    }
    const result = this.#tryTexts(bytes, start, end)
    if (result <= DecodeResult.intermediate) return result
    const kind = classifyLine(bytes, start, end)
    if (kind !== LineKind.other) return AFTER_CLASSIFY[kind] ?? LineResult.other
    return malformed || result === DecodeResult.malformed ? LineResult.malformed : LineResult.other
  }

  #tryJson(bytes: Buffer, start: number, end: number): number {
    let answer: number = DecodeResult.notAccessLine
    for (const decoder of this.#json) {
      const result = decoder.decode(bytes, start, end)
      if (result <= DecodeResult.intermediate) {
        this.decoder = decoder
        return result
      }
      if (result === DecodeResult.malformed) answer = result
    }
    return answer
  }

  #tryTexts(bytes: Buffer, start: number, end: number): number {
    let answer: number = DecodeResult.notAccessLine
    let takers = 0
    for (const decoder of this.#text) {
      const result = decoder.decode(bytes, start, end)
      if (result > DecodeResult.intermediate) {
        if (takers === 0 && result === DecodeResult.malformed) answer = result
        continue
      }
      takers += 1
      if (takers > 1 && (decoder.fact.doubtful || !this.decoder.fact.doubtful)) continue
      this.decoder = decoder
      answer = result
    }
    if (takers > 1) this.decoder.fact.doubtful = true
    return answer
  }
}

const fieldCount = (decoder: AccessLogDecoder): number =>
  decoder.abilities.fields.length + decoder.abilities.headers.length

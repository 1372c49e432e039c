import type { AccessFact } from "#mesh/access.ts"
import type { ProxyIdentity } from "#mesh/proxy.ts"
import type { Doubt, Resolution, Resolver } from "#mesh/request.ts"
import type { RequestAccountant } from "./account/requests.ts"
import type { Tally } from "./account/tally.ts"
import type { TailConsumer } from "./collect/tail/tail-source.ts"
import { type FramerConfig, LineFramer } from "./decode/access-log/framing.ts"
import { type LineReader, LineResult } from "./decode/access-log/line-reader.ts"
import type { EntryReader } from "./decode/als/entry-reader.ts"
import type { LineConsumer } from "./publish/contract.ts"
import type { Provenances } from "./resolve/provenance.ts"

/** What reads and names the lines of one proxy; replaced when its configuration moved. */
export interface LineBinding {
  readonly reader: LineReader
  /** Of what it streams by gRPC. */
  readonly entries: EntryReader
  readonly resolver: Resolver
  /** Which lines count: those of a side that stats count already must not count twice. */
  readonly provenances: Provenances
  /** The configuration could not be read: nobody can tell what a line is about, so each is a doubt. */
  readonly blind?: boolean
}

/** One proxy as its log files see it. */
export interface LoggedProxy {
  /** Undefined until its configuration is known; its files are not followed before. */
  readonly binding: LineBinding | undefined
  readonly tally: Tally
  /** Undefined until it is known. */
  readonly identity: ProxyIdentity | undefined
  /** Told of each line that could not be given away without doubt. */
  doubt(doubt: Doubt): void
}

/** What became of the lines; every number only rises. */
export interface LineCounters {
  access: number
  proxy: number
  other: number
  outlier: number
  malformed: number
  intermediate: number
  /** Access lines of a side whose requests are counted from stats. */
  uncounted: number
  /** Access lines of a side whose requests are counted from what the proxy streams, which tells the same. */
  repeated: number
}

interface LoggedFile {
  readonly proxy: LoggedProxy
  readonly framer: LineFramer
}

/** What tells of requests: lines of a file, or entries that the proxy streams. */
type Source = "lines" | "entries"
/** What becomes of a request that somebody told: one that is told by both sources counts by entries alone. */
type Fate = "counts" | "uncounted" | "repeated"

/** Lines without a reporter pass: they count as doubt alone. */
function fateOf({ http, tcp, streamed }: Provenances, { kind, row }: Resolution, source: Source): Fate {
  if (kind === "undecided") return "counts"
  const side = row.reporter === "source" ? "outbound" : "inbound"
  if ((kind === "tcp" ? tcp : http)[side] !== "log") return "uncounted"
  const streams = (kind === "tcp" ? streamed.tcp : streamed.http)[side]
  if (streams === (source === "entries")) return "counts"
  return streams ? "repeated" : "uncounted"
}

/** From raw lines of a file to counted requests: framing off, decoded, named, counted. All synchronous. */
export class LogLines implements TailConsumer {
  readonly counters: LineCounters = {
    access: 0,
    proxy: 0,
    other: 0,
    outlier: 0,
    malformed: 0,
    intermediate: 0,
    uncounted: 0,
    repeated: 0,
  }
  /** Lines that the framing could not pass on, of files that are gone. */
  readonly #pastDrops = { line_too_long: 0, bad_frame: 0 }
  readonly #files = new Map<number, LoggedFile>()
  readonly #accountant: RequestAccountant
  readonly #framing: FramerConfig
  readonly #consumers: LineConsumer[] = []
  #current: LoggedProxy | undefined
  #lines = 0

  constructor(accountant: RequestAccountant, framing: FramerConfig) {
    this.#accountant = accountant
    this.#framing = framing
  }

  /** From now on also tells a consumer of each access line of a proxy that is known, whether the line or stats count. */
  tell(consumer: LineConsumer): void {
    this.#consumers.push(consumer)
  }

  /** Gives a followed file to a proxy. A file that changes hands keeps its framing. */
  assign(fileId: number, proxy: LoggedProxy): void {
    this.#files.set(fileId, {
      proxy,
      framer: this.#files.get(fileId)?.framer ?? new LineFramer(this.#framing),
    })
  }

  closed(fileId: number): void {
    const file = this.#files.get(fileId)
    if (file === undefined) return
    this.#pastDrops.line_too_long += file.framer.drops.line_too_long
    this.#pastDrops.bad_frame += file.framer.drops.bad_frame
    this.#files.delete(fileId)
  }

  /** Lines that were not passed on, by reason. */
  drops(): Readonly<Record<"line_too_long" | "bad_frame", number>> {
    const sum = { ...this.#pastDrops }
    for (const { framer } of this.#files.values()) {
      sum.line_too_long += framer.drops.line_too_long
      sum.bad_frame += framer.drops.bad_frame
    }
    return sum
  }

  lines(fileId: number, bytes: Buffer, start: number, end: number): number {
    const file = this.#files.get(fileId)
    if (file === undefined) return 0
    this.#current = file.proxy
    this.#lines = 0
    file.framer.frame(bytes, start, end, this.#line)
    return this.#lines
  }

  held(fileId: number): Uint8Array | undefined {
    return this.#files.get(fileId)?.framer.save()
  }

  restore(fileId: number, held: Uint8Array): void {
    this.#files.get(fileId)?.framer.restore(held)
  }

  readonly #line = (bytes: Buffer, start: number, end: number): void => {
    this.#lines += 1
    const proxy = this.#current
    const binding = proxy?.binding
    if (proxy === undefined || binding === undefined) return
    const result = binding.reader.read(bytes, start, end)
    if (result === LineResult.access) this.#request(proxy, binding, binding.reader.fact, "lines")
    else this.#note(result)
  }

  /** Takes one line of a proxy's output that was sent here, without its newline. */
  sent(proxy: LoggedProxy, bytes: Buffer, start: number, end: number): void {
    this.#current = proxy
    this.#line(bytes, start, end)
  }

  /** Takes one finished request or connection that a proxy streamed. */
  entry(proxy: LoggedProxy, binding: LineBinding, fact: AccessFact): void {
    this.#request(proxy, binding, fact, "entries")
  }

  #request(proxy: LoggedProxy, binding: LineBinding, fact: AccessFact, source: Source): void {
    this.counters.access += 1
    const resolution = binding.resolver.resolve(fact)
    if (binding.blind === true) {
      proxy.tally.undecided += 1
      proxy.doubt("direction")
    } else {
      const fate = fateOf(binding.provenances, resolution, source)
      if (fate === "counts") {
        if (resolution.doubt !== undefined) proxy.doubt(resolution.doubt)
        this.#accountant.account(fact, resolution, proxy.tally)
      } else this.counters[fate] += 1
      if (fate === "repeated") return
    }
    if (proxy.identity === undefined) return
    for (const consumer of this.#consumers) consumer.line(fact, resolution, proxy.identity)
  }

  #note(result: number): void {
    const { counters } = this
    if (result === LineResult.intermediate) counters.intermediate += 1
    else if (result === LineResult.malformed) counters.malformed += 1
    else if (result === LineResult.outlierEvent) counters.outlier += 1
    else if (result === LineResult.other) counters.other += 1
    else counters.proxy += 1
  }
}

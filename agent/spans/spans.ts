import { hash } from "node:crypto"
import type { FormatAbilities } from "#mesh/access.ts"
import type { DeclaredModel } from "#mesh/declared.ts"
import type { ProxyConfig, ProxyTarget } from "#mesh/proxy.ts"
import type { Interner } from "#mesh/request.ts"
import type { Span } from "#mesh/span.ts"
import type { LineConsumer, SpanConsumer } from "../publish/contract.ts"
import { type LineSpans, makeLineSpans } from "../resolve/spans/line-spans.ts"
import { makeSpanNames, type SpanNames } from "../resolve/spans/span-names.ts"
import { type SpanReception, spanWays, spanWaysText, tellsTrace } from "../resolve/spans/way.ts"
import type { Telemetry } from "../telemetry/telemetry.ts"

/** Where spans come from, as metrics call it. */
const INTAKES = ["xray", "zipkin", "otlp", "lines"] as const
export type Intake = (typeof INTAKES)[number]

export interface SpansConfig {
  /** Access lines of proxies without a tracer become spans. */
  readonly fromLogs: boolean
}

export interface SpansDeps {
  readonly telemetry: Telemetry
  readonly declared: DeclaredModel
  readonly interner: Interner
  readonly consumers: readonly SpanConsumer[]
}

/** A proxy of this agent, as far as its spans are concerned. */
export interface TracedProxy {
  readonly target: ProxyTarget
  readonly config: ProxyConfig | undefined
  /** What its lines can tell; undefined where none can be read, or formats differ. */
  readonly abilities: FormatAbilities | undefined
}

/** Spans on their way from whoever sent them, or from lines, to the outputs: named once, handed to each. */
export class Spans {
  /** Undefined: lines become no spans. */
  readonly lines: LineConsumer | undefined
  #names: SpanNames
  readonly #interner: Interner
  /** What the names are made of, by target. */
  readonly #configs = new Map<string, ProxyConfig>()
  readonly #lineSpans: LineSpans
  readonly #consumers: readonly SpanConsumer[]
  readonly #passed: Record<Intake, number> = { xray: 0, zipkin: 0, otlp: 0, lines: 0 }
  #reception: SpanReception

  constructor({ fromLogs }: SpansConfig, { telemetry, declared, interner, consumers }: SpansDeps) {
    this.#interner = interner
    this.#names = makeSpanNames({ declared, interner })
    this.#lineSpans = makeLineSpans((bytes) => hash("sha256", bytes, "hex"))
    this.#consumers = consumers
    this.#reception = { listens: {}, hosts: new Set(), lines: fromLogs }
    this.lines = fromLogs ? this.#lineConsumer() : undefined
    telemetry.observe("spans", (tell) => {
      for (const intake of INTAKES) tell(this.#passed[intake], { intake })
    })
    telemetry.observe("spansRefused", (tell) => {
      for (const [reason, count] of Object.entries(this.#lineSpans.counters))
        if (reason !== "made" && fromLogs) tell(count, { intake: "lines", reason })
    })
  }

  /** Spans that were passed on so far. */
  get passed(): number {
    return INTAKES.reduce((sum, intake) => sum + this.#passed[intake], 0)
  }

  /** Takes a span as it was sent. */
  take(intake: Intake, span: Span): void {
    this.#pass(intake, this.#names.name(span))
  }

  /** Tells under which addresses spans come in; what proxies' states say follows from it. */
  listens(reception: Pick<SpanReception, "listens" | "hosts">): void {
    this.#reception = { ...this.#reception, ...reception }
  }

  /** The declared model is another one: spans that come from now on are named by it. */
  declare(declared: DeclaredModel): void {
    this.#names = makeSpanNames({ declared, interner: this.#interner })
    for (const [target, config] of this.#configs) this.#names.setProxy(target, config)
  }

  /** A proxy's configuration is known, or another than before. */
  bind({ target, config, abilities }: TracedProxy): void {
    if (config === undefined) return
    this.#configs.set(target.name, config)
    this.#names.setProxy(target.name, config)
    this.#lineSpans.setProxy(target.name, config, abilities)
  }

  drop(target: string): void {
    this.#configs.delete(target)
    this.#names.dropProxy(target)
    this.#lineSpans.dropProxy(target)
  }

  /** Which way the spans of a proxy go, in words. */
  wayOf({ target, config, abilities }: TracedProxy): string {
    if (config === undefined) return "unknown"
    const { admin } = target
    const sender = {
      sharesLoopback: admin.kind === "tcp" && LOOPBACK.test(admin.host),
      logsTrace: target.logs.length > 0 && abilities !== undefined && tellsTrace(abilities),
    }
    return spanWaysText(spanWays(config, this.#reception, sender))
  }

  #lineConsumer(): LineConsumer {
    return {
      line: (fact, resolution, proxy) => {
        const span = this.#lineSpans.span(fact, resolution, proxy)
        if (span !== undefined) this.#pass("lines", span)
      },
    }
  }

  #pass(intake: Intake, span: Span): void {
    this.#passed[intake]++
    for (const consumer of this.#consumers) consumer.span(span)
  }
}

/** An admin interface that is read there shares the agent's loopback. */
const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/

import { type AccessFact, Field, type FormatAbilities, fieldText } from "#mesh/access.ts"
import type { ProxyConfig, ProxyIdentity } from "#mesh/proxy.ts"
import type { Resolution } from "#mesh/request.ts"
import type { Span } from "#mesh/span.ts"
import { type LineTrace, lineTrace } from "./line-trace.ts"
import { type Digest, type Line, spanOfLine } from "./span-of-line.ts"
import { startMicroseconds } from "./start-time.ts"
import { tracesItself } from "./way.ts"

/**
 * What became of a line. `traced`: its proxy has a tracer, so that its span comes from there; `unread`: nobody knows
 * whether it has one. `not_request`: a TCP connection, a health check, or a line that cannot be given to a side.
 */
export type LineSpanEnd =
  | "made"
  | "traced"
  | "unread"
  | "not_request"
  | "no_trace"
  | "not_sampled"
  | "doubtful"
  | "no_start"
  | "no_duration"

/** Spans of proxies without a tracer, from their access lines. Opt-in. */
export interface LineSpans {
  /** What a proxy's configuration tells: whether it has a tracer, and what its format logs. */
  setProxy(target: string, config: ProxyConfig, abilities: FormatAbilities | undefined): void
  dropProxy(target: string): void
  /**
   * The span of one line, with `proxy` filled; undefined where there is none, and counted why. The same line makes the
   * same span, ids included, whenever it is read. Keeps nothing of the line.
   */
  span(fact: AccessFact, resolution: Resolution, proxy: ProxyIdentity): Span | undefined
  readonly counters: Readonly<Record<LineSpanEnd, number>>
}

export function makeLineSpans(digest: Digest): LineSpans {
  const traces = new Map<string, LineTrace | undefined>()
  const counters: Record<LineSpanEnd, number> = {
    made: 0,
    traced: 0,
    unread: 0,
    not_request: 0,
    no_trace: 0,
    not_sampled: 0,
    doubtful: 0,
    no_start: 0,
    no_duration: 0,
  }
  const made = (fact: AccessFact, resolution: Resolution, proxy: ProxyIdentity): Span | LineSpanEnd => {
    const trace = traces.get(proxy.proxy)
    if (trace === undefined) return traces.has(proxy.proxy) ? "traced" : "unread"
    return lineSpan({ fact, resolution, identity: proxy, digest }, trace)
  }
  return {
    setProxy(target, config, abilities) {
      if (config.tracers === undefined) traces.delete(target)
      else traces.set(target, tracesItself(config) ? undefined : lineTrace(abilities))
    },
    dropProxy: (target) => void traces.delete(target),
    span(fact, resolution, proxy) {
      const span = made(fact, resolution, proxy)
      if (typeof span === "string") {
        counters[span]++
        return undefined
      }
      counters.made++
      return span
    },
    counters,
  }
}

function lineSpan(line: Line, readTrace: LineTrace): Span | LineSpanEnd {
  const { fact, resolution } = line
  if (resolution.kind !== "request") return "not_request"
  const trace = readTrace(fact)
  if (trace === undefined) return "no_trace"
  if (!trace.sampled) return "not_sampled"
  if (fact.doubtful) return "doubtful"
  const startUs = startMicroseconds(fieldText(fact, Field.startTime) ?? "")
  if (startUs === undefined) return "no_start"
  return fact.durationMs < 0 ? "no_duration" : spanOfLine(line, trace, startUs)
}

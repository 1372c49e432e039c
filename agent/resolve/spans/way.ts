import type { FormatAbilities } from "#mesh/access.ts"
import type { ProxyConfig, SocketAddress, Tracer } from "#mesh/proxy.ts"
import { OWN_POD } from "#mesh/span-way.ts"
import { isLoopbackHost, takes } from "../leads-here.ts"

/** How spans of a proxy can come to an agent by a tracer. */
export type SpanIntake = "xray-udp" | "zipkin" | "otlp" | "otlp-grpc"

/** What the agent takes spans by. */
export interface SpanReception {
  /** Where it listens, as bound: a wildcard takes what is sent to any of `hosts`. Absent: not configured. */
  readonly listens: Readonly<Partial<Record<SpanIntake, SocketAddress>>>
  /**
   * Addresses and names under which proxies reach the agent, loopback aside: its host's, and those that are configured,
   * such as the address of a Kubernetes service in front of it.
   */
  readonly hosts: ReadonlySet<string>
  /** Spans are made from log lines. */
  readonly lines: boolean
}

/** What is known of one proxy beside its configuration. */
export interface SpanSender {
  /** Its loopback is the agent's own: the same host network, task or pod, e.g. as its admin interface is read there. */
  readonly sharesLoopback: boolean
  /** A log of it can be read whose lines tell a trace (`tellsTrace`). */
  readonly logsTrace: boolean
}

/** Which way the spans of a proxy go. */
export type SpanWay =
  | { readonly kind: "agent"; readonly by: SpanIntake }
  | { readonly kind: "elsewhere"; readonly to: string }
  | { readonly kind: "lines" }
  | { readonly kind: "none" }
  | { readonly kind: "unknown" }

/** Whether a tracer makes spans of this proxy's requests. */
export const tracesItself = ({ tracers = [] }: ProxyConfig): boolean => tracers.length > 0

/** Whether lines of a format can tell which trace their request belongs to. */
export const tellsTrace = ({ fields, headers }: FormatAbilities): boolean =>
  fields.includes("traceId") || headers.includes("b3") || headers.includes("x-b3-traceid")

/** The ways in force, each once; one but where listeners of a proxy have different tracers. Never empty. */
export function spanWays(
  { tracers }: Pick<ProxyConfig, "tracers">,
  reception: SpanReception,
  sender: SpanSender,
): readonly SpanWay[] {
  if (tracers === undefined) return [{ kind: "unknown" }]
  if (tracers.length === 0) return [{ kind: reception.lines && sender.logsTrace ? "lines" : "none" }]
  const ways = new Map<string, SpanWay>()
  for (const tracer of tracers) {
    const way = tracerWay(tracer, reception, sender)
    ways.set(wayText(way), way)
  }
  return [...ways.values()]
}

/** As a target's state shows it: `to this agent by xray-udp`, `elsewhere (10.0.0.7:9411)`, `from log lines`, `none`, `unknown`. */
export const spanWaysText = (ways: readonly SpanWay[]): string => ways.map(wayText).join(", ")

function wayText(way: SpanWay): string {
  switch (way.kind) {
    case "agent":
      return `to this agent by ${way.by}`
    case "elsewhere":
      return `elsewhere (${way.to})`
    case "lines":
      return "from log lines"
    case "none":
    case "unknown":
      return way.kind
  }
}

function tracerWay(tracer: Tracer, reception: SpanReception, sender: SpanSender): SpanWay {
  const [first, ...more] = tracer.to
  if (first === undefined) return { kind: "unknown" }
  const by = intakeOf(tracer)
  const listens = by === undefined ? undefined : reception.listens[by]
  const isOurs = (to: SocketAddress): boolean =>
    listens !== undefined && takes(listens, to, reception.hosts, sender.sharesLoopback)
  if (by !== undefined && [first, ...more].every(isOurs)) return { kind: "agent", by }
  const own = isLoopbackHost(first.host) && !sender.sharesLoopback ? OWN_POD : ""
  return { kind: "elsewhere", to: `${addressText(first)}${own}${more.length === 0 ? "" : ", ..."}` }
}

function intakeOf({ kind, protocol }: Tracer): SpanIntake | undefined {
  if (kind === "xray") return "xray-udp"
  if (kind === "zipkin") return "zipkin"
  if (kind !== "opentelemetry") return undefined
  return protocol === "http" ? "otlp" : protocol === "grpc" ? "otlp-grpc" : undefined
}

/** A configuration may hold any text. */
function addressText({ host, port }: SocketAddress): string {
  const shown = host.slice(0, 253)
  return shown.includes(":") ? `[${shown}]:${port}` : `${shown}:${port}`
}

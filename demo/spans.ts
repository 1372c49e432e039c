import type { DemoArguments } from "./arguments.ts"
import type { TracerPlan } from "./control-plane/tracing.ts"
import { freePort } from "./free-port.ts"

/** The Envoys' tracers, and how the demo's agent takes what they send. */
export interface SpanPlan {
  readonly tracers: TracerPlan
  /** The agent's `receive` and what it publishes of it; empty where the spans do not come to it. */
  readonly receive: object
  readonly publish: object
  /** For the user; empty: nobody traces. */
  readonly told: string
}

type Asked = Pick<DemoArguments, "tracer" | "spansTo" | "tracesOut" | "bare">

/** Whether the demo's own agent takes the spans. */
export const agentTakesSpans = ({ tracer, spansTo, bare }: Omit<Asked, "tracesOut">): boolean =>
  tracer !== "none" && spansTo === undefined && !bare

const HOST = "127.0.0.1"
/** Where each tracer sends its spans unless told otherwise; 4318 is the collector of the demo. */
const PORTS = { xray: 2000, zipkin: 9411, otlp: 4319 } as const

/** How they travel. */
const WORDS = { xray: "X-Ray segments by UDP", zipkin: "Zipkin over HTTP", otlp: "OTLP over HTTP" } as const

/**
 * The same tracer in every proxy, and no request left out.
 * @param shelf address of a Zipkin server that the agent sends on to
 */
export async function planSpans(
  asked: Asked,
  shelf: string,
  say: (sentence: string) => void,
): Promise<SpanPlan> {
  const { tracer, spansTo, tracesOut } = asked
  if (tracer === "none") return { tracers: {}, receive: {}, publish: {}, told: "" }
  if (!agentTakesSpans(asked)) {
    const to = spansTo ?? { host: HOST, port: PORTS[tracer] }
    return {
      tracers: { "*": { kind: tracer, ...to, samplingRate: 1 } },
      receive: {},
      publish: {},
      told: `of every request, ${WORDS[tracer]} to ${to.host}:${to.port}`,
    }
  }
  const port = await freePort(PORTS[tracer], "agent, for spans,", say)
  return {
    tracers: { "*": { kind: tracer, host: HOST, port, samplingRate: 1 } },
    receive: receiving(tracer, port),
    publish: {
      zipkin: { endpoint: shelf },
      ...(tracesOut === undefined ? {} : { otlpTraces: { endpoint: tracesOut } }),
    },
    told: `of every request, ${WORDS[tracer]} to the agent (${HOST}:${port})${tracesOut === undefined ? "" : `, by OTLP on to ${tracesOut}`}`,
  }
}

function receiving(tracer: "xray" | "zipkin" | "otlp", port: number): object {
  const listen = `${HOST}:${port}`
  if (tracer === "xray") return { xray: { udp: listen, tcp: listen } }
  return tracer === "zipkin" ? { zipkin: { listen } } : { otlp: { listen, grpc: `${HOST}:0` } }
}

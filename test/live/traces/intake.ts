import { HttpIntake } from "../../../agent/collect/receive/http-intake.ts"
import {
  OTLP_ANSWERS,
  type Taken,
  ZIPKIN_ANSWERS,
} from "../../../agent/collect/receive/http-intake-answer.ts"
import { startXrayUdp } from "../../../agent/collect/receive/xray-udp.ts"
import { readOtlpProtobuf } from "../../../agent/decode/spans/otlp-protobuf.ts"
import type { SpanVisitor } from "../../../agent/decode/spans/span-visitor.ts"
import { makeXrayDecoder } from "../../../agent/decode/spans/xray.ts"
import { readZipkinJson } from "../../../agent/decode/spans/zipkin-json.ts"
import { readZipkinProtobuf } from "../../../agent/decode/spans/zipkin-protobuf.ts"
import { systemClock } from "../../../mesh/clock.ts"
import type { Span } from "../../../mesh/span.ts"
import type { Form } from "../../fixtures/spans/captured.ts"

/** The agent's own intake of one form. */
export interface SpanIntake {
  readonly host: string
  readonly port: number
  /** In the order in which they came. */
  readonly spans: readonly Span[]
  /** Why something was refused, or dropped; empty when all was taken. */
  trouble(): readonly string[]
  stop(): Promise<void>
}

const LISTEN = { host: "127.0.0.1", port: 0 }

export const startIntake = (form: Form): Promise<SpanIntake> =>
  form === "xray" ? xrayIntake() : httpIntake()

async function xrayIntake(): Promise<SpanIntake> {
  const spans: Span[] = []
  const decoder = makeXrayDecoder()
  const udp = await startXrayUdp(
    { listen: LISTEN, receiveBufferBytes: 8 * 1024 ** 2, share: 0.5 },
    { clock: systemClock, document: (bytes) => void decoder.decode(bytes, (span) => spans.push(span)) },
  )
  return {
    ...udp.address,
    spans,
    trouble() {
      const drops = [...Object.entries(udp.counters().dropped), ...Object.entries(decoder.counters().dropped)]
      return drops.filter(([, count]) => count > 0).map(([reason, count]) => `${count} ${reason}`)
    },
    stop: () => udp.stop(),
  }
}

async function httpIntake(): Promise<SpanIntake> {
  const spans: Span[] = []
  const refused: string[] = []
  const visitor: SpanVisitor = {
    span: (span) => spans.push(span),
    refused: (reason, count) => refused.push(`${count} ${reason}`),
    cut: (parts) => refused.push(`${parts} cut off`),
  }
  const taken: Taken = { kind: "taken", rejected: 0 }
  const limits = { maxBodyBytes: 4e6, maxInflatedBytes: 16e6, maxConnections: 64, timeoutMs: 30_000 }
  const intake = new HttpIntake({ listen: LISTEN, setting: "receive", ...limits }, [
    {
      path: "/api/v2/spans",
      answers: ZIPKIN_ANSWERS,
      take(body, form) {
        const read = form === "json" ? readZipkinJson : readZipkinProtobuf
        read(body, visitor)
        return taken
      },
    },
    {
      path: "/v1/traces",
      answers: OTLP_ANSWERS,
      take(body) {
        readOtlpProtobuf(body, visitor)
        return taken
      },
    },
  ])
  const { hostname, port } = new URL(await intake.start())
  return {
    host: hostname,
    port: Number(port),
    spans,
    trouble() {
      const { ok: _, ...rest } = intake.counters().requests
      const requests = Object.entries(rest).filter(([, count]) => count > 0)
      return [...refused, ...requests.map(([result, count]) => `${count} ${result}`)]
    },
    stop: () => intake.stop(),
  }
}
